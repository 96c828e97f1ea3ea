"""The page in a real browser, against a real `keras-musictag serve` with a library and records."""

import shutil
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.needs("chromium")]
VIEWS = ("/tag", "/compare", "/evaluate", "/library?q=flute")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a server with the models that the tests use."""
    from tests.web.page_data import serving

    with serving(tmp_path_factory.mktemp("page")) as page:
        yield page


@pytest.fixture(scope="module")
def shared_browser(address):
    """One browser for all tests. At the end: no request to another host, and nothing in the console."""
    from tests.web.browser import Browser

    browser = Browser(shutil.which("chromedriver"), address)
    try:
        yield browser
        browser.read_logs()
        hosts = {urlsplit(url).netloc for url in browser.requested if not url.startswith(("data:", "blob:", "about:"))}
        assert hosts == browser.hosts
        assert len(browser.requested) > 50
        assert "\n".join(browser.said) == ""
    finally:
        browser.driver.quit()


@pytest.fixture
def browser(shared_browser):
    shared_browser.emulate()
    return shared_browser


def scores_of(browser) -> list[float]:
    return [float(text) for text in browser.texts(".bar-value")]


def playhead(browser) -> float:
    """Where the line is drawn, as a share of the song."""
    return browser.run(
        "return Number(document.querySelector('.view-tag .playhead').style.transform.match(/[\\d.]+/)[0])"
    )


def test_the_page_opens_on_the_tagged_demo_clip(browser):
    browser.open("/tag")
    browser.one(".progress-text", "Tagged by musicnn-mtat-v1")
    browser.one(".song-title", "Demo clip")
    assert "0:29" in browser.one(".song-facts").text
    assert max(scores_of(browser)) > 0.3
    assert [heading.text for heading in browser.all(".bar-group h3")][:4] == ["Genre", "Mood", "Instrument", "Voice"]
    assert browser.one(".tag-name").text == "flute"  # the highest score of the song
    assert browser.one("canvas.heat").get_attribute("aria-label").startswith("Taggram of 50 tags over 0:29. Highest")
    assert browser.run(
        "const [a, b] = document.querySelectorAll('.wave, .heat-plot'); return"
        " a.getBoundingClientRect().left === b.getBoundingClientRect().left"
    )


def test_an_uploaded_song_is_tagged_as_the_library_tags_it(browser, tmp_path):
    import keras_musictag as kmt

    song = tmp_path / "my <b>song.mp3"
    shutil.copy(kmt.demo_clip(), song)
    browser.open("/tag?model=vgg-mtat-v1")
    browser.one(".progress-text", "Tagged by vgg-mtat-v1")
    browser.driver.find_element("css selector", ".view-tag input[type=file]").send_keys(str(song))
    browser.one(".song-title", "my <b>song.mp3")
    browser.one(".progress-text", "Tagged by vgg-mtat-v1")
    result = kmt.load("vgg-mtat-v1").tag(song)
    expected = dict(zip(result.vocabulary.names, result.scores, strict=True))
    shown = dict(zip(browser.texts(".bar-name"), scores_of(browser), strict=True))
    assert len(shown) > 20
    for tag, score in shown.items():
        assert score == pytest.approx(expected[tag], abs=0.0051)  # two digits are shown


def test_a_tag_jumps_to_its_strongest_moment_and_plays(browser):
    browser.open("/tag")
    browser.one(".progress-text", "Tagged by")
    browser.wait(lambda _: browser.one(".play").is_enabled(), "the player")
    assert playhead(browser) == 0
    browser.one(".tag-name", "flute").click()
    browser.one(".play", "Pause")
    first = playhead(browser)
    assert 65 < first < 85  # its highest chunk is about three quarters in
    browser.wait(lambda _: playhead(browser) > first + 1, "the playhead to move")
    browser.one(".play").click()
    browser.one(".play", "Play")


def test_bars_follow_the_playhead(browser):
    browser.open("/tag")
    browser.one(".progress-text", "Tagged by")
    browser.wait(lambda _: browser.one(".play").is_enabled(), "the player")
    whole = scores_of(browser)
    browser.one("label", "At the playhead").click()
    at_start = scores_of(browser)
    assert at_start != whole
    browser.run("document.querySelector('.wave').focus()")
    browser.run("document.querySelector('.wave').dispatchEvent(new KeyboardEvent('keydown', {key: 'End'}))")
    browser.wait(lambda _: scores_of(browser) not in (at_start, whole), "other scores at the end")
    assert browser.one(".wave").get_attribute("aria-valuetext") == "29 seconds of 29 seconds"


def test_higher_scores_are_darker_and_what_is_present_is_underlined(browser):
    browser.open("/tag")
    browser.one(".progress-text", "Tagged by")
    browser.settle()
    row = browser.run(
        "const heat = document.querySelector('canvas.heat'), height = heat.height / 16;"
        "const {data} = heat.getContext('2d').getImageData(0, 0, heat.width, height);"
        "const pixel = (x, y) => 4 * (Math.floor(y * height) * heat.width + Math.floor(x * heat.width));"
        "return [0.05, 0.15, 0.75].map((x) => ({green: data[pixel(x, 0.4) + 1], line: data[pixel(x, 0.91) + 3]}))"
    )
    low, middle, high = (cell["green"] for cell in row)  # of the flute: scores 0.01, 0.5 and 0.98
    assert high < middle - 50 < low - 100
    assert [cell["line"] for cell in row] == [0, 0, 255]  # opaque where the score is above the threshold, 0.53


def test_the_table_behind_the_taggram_has_its_scores(browser):
    browser.open("/tag")
    browser.one(".progress-text", "Tagged by")
    browser.one("summary", "Scores as a table").click()
    row = browser.one("table.numbers tbody tr", "flute")
    scores = [float(cell.text.removesuffix(" ✓")) for cell in row.find_elements("css selector", "td")]
    assert len(scores) == 10
    assert max(scores) == scores[7]
    assert any("✓" in cell.text for cell in row.find_elements("css selector", "td"))


def test_a_long_song_shows_its_scores_as_they_come_and_can_be_cancelled(browser, tmp_path):
    import soundfile

    from keras_musictag import demo_clip

    samples, rate_hz = soundfile.read(demo_clip(), dtype="int16")
    with soundfile.SoundFile(tmp_path / "long.wav", "w", rate_hz, 1) as file:
        for _ in range(120):  # an hour
            file.write(samples)
    browser.open("/tag")
    browser.one(".progress-text", "Tagged by")
    browser.driver.find_element("css selector", ".view-tag input[type=file]").send_keys(str(tmp_path / "long.wav"))
    browser.one(".song-title", "long.wav")
    browser.one(".progress-text", "of 58:23 tagged")
    assert max(scores_of(browser)) > 0
    browser.one(".view-tag .progress-line button", "Cancel").click()
    browser.one(".progress-text", "Cancelled.")
    for group in browser.all(".bar-group"):  # the top ones of what is known
        values = [float(bar.text) for bar in group.find_elements("css selector", ".bar-value")]
        assert values == sorted(values, reverse=True)


def test_nothing_of_the_song_before_is_left_when_another_one_fails(browser):
    browser.open("/tag")
    browser.one(".progress-text", "Tagged by")
    browser.go("/tag?source=upload:gone")
    assert "There is no source 'upload:gone'" in browser.one(".song .error").text
    assert browser.texts(".tag-name") == browser.texts(".bar") == []
    assert not browser.one(".play").is_enabled()
    browser.expect_refused("upload%3Agone")
    browser.expect_refused("api/jobs")


def test_a_view_that_is_left_while_it_loads_leaves_the_address_alone(browser):
    browser.open("/tag")
    browser.one(".progress-text", "Tagged by")
    browser.run("location.hash = '/compare'; setTimeout(() => (location.hash = '/evaluate'))")
    browser.one(".view-evaluate td")
    browser.settle()
    assert browser.run("return location.hash") == "#/evaluate"


def test_a_file_that_is_no_sound_is_refused_next_to_the_picker(browser, tmp_path):
    (tmp_path / "words.mp3").write_text("words, not music")
    browser.open("/tag")
    browser.one(".progress-text", "Tagged by")
    browser.driver.find_element("css selector", ".view-tag input[type=file]").send_keys(str(tmp_path / "words.mp3"))
    assert "words.mp3" in browser.one(".song-picker .error").text
    assert browser.one(".song-title").text == "Demo clip"
    browser.expect_refused("api/sources")


def test_two_models_are_compared(browser):
    browser.open("/compare")
    browser.wait(lambda _: sum("took" in text for text in browser.texts(".progress-text")) == 2, "both models")
    browser.one(".view-compare tbody tr")
    differences = [float(text) for text in browser.texts(".view-compare tbody tr > :nth-child(4)")]
    assert 5 < len(differences) < 50  # tags that the vocabularies share
    assert differences == sorted(differences, reverse=True)
    browser.one(".check", "vgg-mtat-v1").click()
    browser.wait(lambda _: sum("took" in text for text in browser.texts(".progress-text")) == 3, "three models")
    browser.wait(lambda _: len(browser.all(".view-compare tbody tr")) >= 50, "the tags that two of them share")


def test_the_evaluation_table_sorts(browser):
    browser.open("/evaluate")
    browser.one(".view-evaluate th", "PR AUC")

    def column(number):
        return browser.texts(f".view-evaluate tbody tr > :nth-child({number + 1})")

    values = [float(text.split()[0]) for text in column(2)]
    assert len(values) >= 5
    assert values == sorted(values, reverse=True)
    heading = browser.one("th", "ROC AUC")
    heading.find_element("css selector", "button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    values = [float(text.split()[0]) for text in column(1)]
    assert values == sorted(values, reverse=True)
    heading.find_element("css selector", "button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [float(text.split()[0]) for text in column(1)] == values[::-1]
    browser.one("tbody a", "short_chunk_cnn, chunk level").click()
    browser.one("h1", "short_chunk_cnn, chunk level")
    browser.wait(lambda _: len(browser.all("tbody tr")) > 50, "the rows of all tags")


def test_a_plot_shows_values_on_hover(browser):
    from selenium.webdriver.common.action_chains import ActionChains

    browser.open("/evaluate")
    plot = browser.one(".plot")
    assert "ridge on log-mel statistics: ROC AUC 0.6" in plot.get_attribute("aria-label")
    browser.run("arguments[0].scrollIntoView({block: 'center'})", plot)
    over = plot.find_element("css selector", ".u-over")
    step = over.size["width"] // 12
    actions = ActionChains(browser.driver)
    for x in range(-5 * step, 6 * step, step // 2):
        actions.move_to_element_with_offset(over, x, 0).perform()
        if tips := browser.all(".plot .tip"):
            assert "ROC AUC 0." in tips[0].text
            assert "parameters" in tips[0].text
            return
    pytest.fail("No point said its values.")


def test_an_evaluation_is_cancelled_and_another_joins_the_table(browser):
    browser.open("/evaluate")
    browser.one("button.primary", "Evaluate").click()
    browser.one(".view-evaluate .progress-line button", "Cancel").click()
    browser.one(".progress-text", "Cancelled.")
    browser.one("button.primary", "Evaluate").click()
    browser.one(".view-evaluate .progress-line button", "Cancel")
    browser.open("/evaluate")  # loaded again, the page still follows it
    browser.one(".progress-text", "is evaluated")
    row = browser.one("tr.chosen")
    assert "evaluated here" in row.text


def test_the_library_is_searched_by_words_and_by_example(browser):
    browser.open("/library")
    browser.one(".chip", "flute")
    browser.one("input[type=search]").send_keys("flute\n")
    browser.one("h2", "10 matches")
    assert "demo clip" in browser.one(".result-title").text
    assert "<img src=x onerror=alert(1)>" in browser.texts(".result-title")  # text, not markup
    browser.one(".result-actions button", "Play").click()
    moved = "const audio = document.querySelector('audio'); return audio.currentTime > 0 && !audio.paused"
    browser.wait(lambda _: browser.run(moved), "the sound of the library")
    first = browser.one(".result-title").text
    browser.one(".result-actions button", "More like this").click()
    browser.one("h2", f"Tracks like {first}")
    assert first not in browser.texts(".result-title")


def test_a_search_that_fails_says_why_next_to_the_words(browser):
    browser.open("/library?q=zither")
    assert "There is no tag 'zither'" in browser.one(".view-library .error").text
    browser.expect_refused("api/library/search")


def test_a_tag_of_a_track_leads_to_its_strongest_moment(browser):
    browser.open("/library?q=flute")
    title = browser.one(".result-title").text
    browser.one(".result-actions button", "Tags").click()
    browser.one(".track-tags .chip", "flute").click()
    browser.one(".song-title", title)
    browser.one(".play", "Pause")


def test_plots_take_the_theme_that_was_chosen_in_another_view(browser):
    pixels = "return document.querySelector('.plot canvas').toDataURL()"
    browser.emulate("dark")
    browser.open("/evaluate")
    browser.one(".plot canvas")
    dark = browser.run(pixels)
    browser.one("#theme", "Light").click()
    browser.go("/compare")
    browser.one("#theme", "Dark").click()
    browser.go("/evaluate")
    browser.wait(lambda _: browser.run(pixels) == dark, "the plots in dark colours")
    browser.run("localStorage.clear()")


def test_the_theme_is_remembered(browser):
    browser.open("/tag")
    browser.one("#theme", "Dark").click()
    dark = browser.run("return getComputedStyle(document.body).backgroundColor")
    browser.open("/tag")
    browser.one("#theme", "Light")
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == dark
    browser.run("localStorage.clear()")


def test_a_server_with_a_token_asks_for_it(browser):
    from tests.web.conftest import running_server

    with running_server(token="abc") as settings:
        address = f"http://127.0.0.1:{settings.port}/"
        browser.hosts.add(urlsplit(address).netloc)
        browser.driver.get(f"{address}#token=abc")
        browser.one(".progress-text", "Tagged by")
        assert "abc" not in browser.driver.current_url
        browser.driver.delete_all_cookies()
        browser.driver.get("about:blank")
        browser.driver.get(address)
        browser.one("h1", "This server asks for a token")
        browser.driver.get(f"{address}#token=abc")  # pasted into the open page, only the fragment is new
        browser.one(".progress-text", "Tagged by")
        assert "abc" not in browser.driver.current_url
        browser.driver.delete_all_cookies()
        browser.driver.get("about:blank")
        browser.driver.get(address)
        browser.one("input[type=password]").send_keys("wrong\n")
        assert "token" in browser.one(".gate .error").text
        browser.one("input[type=password]").clear()
        browser.one("input[type=password]").send_keys("abc\n")
        browser.one(".progress-text", "Tagged by")
        browser.driver.get("about:blank")
        browser.expect_refused("api/")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation(browser, theme):
    browser.emulate(theme)
    browser.open(VIEWS[0])
    browser.one(".progress-text", "Tagged by")
    browser.go("/evaluate")
    report = browser.one("tbody a").get_attribute("hash").removeprefix("#")
    for view in (*VIEWS, report):
        browser.go(view)
        browser.settle()
        browser.run("document.querySelectorAll('details').forEach((details) => (details.open = true))")
        assert browser.violations() == [], view


def test_narrow_screens_need_no_sideways_scrolling(browser):
    browser.emulate(width=390, height=800)
    browser.open(VIEWS[0])
    for view in VIEWS:
        browser.go(view)
        browser.settle()
        assert browser.run("return document.documentElement.scrollWidth") == 390, view
