"""`library import` and `library distribute` report what is wrong in one line."""


def test_a_file_that_is_not_a_part_is_one_line(call, folder):
    (folder / "text.parquet").write_text("just words")
    code, out, err = call("library", "import", "text.parquet", "--db", "library.db")
    assert (code, out) == (1, "") and err.count("\n") == 1 and "was not written by" in err


def test_a_missing_list_is_one_line(call):
    code, out, err = call("library", "distribute", "list", "out")
    assert (code, out) == (1, "") and err.count("\n") == 1 and ("no list of files" in err or "[ray]" in err)
