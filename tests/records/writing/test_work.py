import pytest

from keras_musictag.errors import RecordsError
from keras_musictag.records.preparing import begun, plan_of


def test_the_plan_is_kept_until_the_records_are_finished(tmp_path):
    with begun(tmp_path, {"storage": "pcm"}):
        assert plan_of(tmp_path) == {"storage": "pcm"}
    with begun(tmp_path, {"storage": "pcm"}):
        (tmp_path / "dataset.json").write_text("{}")
    assert [path.name for path in tmp_path.iterdir()] == ["dataset.json"]


@pytest.mark.parametrize("finished", [False, True])
def test_what_another_run_wrote_in_between_is_not_written_over(tmp_path, finished):
    with begun(tmp_path, {"storage": "pcm"}):
        if finished:
            (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(RecordsError, match="Another process has just written"), begun(tmp_path, {"storage": "source"}):
        pass
    assert plan_of(tmp_path) == (None if finished else {"storage": "pcm"})
