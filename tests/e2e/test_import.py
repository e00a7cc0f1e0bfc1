"""The main job: bring 5,000 people along in a file, watch it happen, find one of them."""

import csv
import io
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.watched import Watched

PEOPLE = 5000
HEADER = ["name", "email", "phone", "organisation", "notes", "tags"]
# The import takes a second where nothing else runs, so the page itself takes down what its bar shows.
TAKE_DOWN_BAR = """
window.shares = [];
new MutationObserver(() => {
  const bar = document.querySelector("progress");
  if (bar) window.shares.push(bar.value / bar.max);
}).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
"""


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def upload(watched: Watched, file: Path) -> Page:
    page = watched.open("/contacts/import")
    page.get_by_label("Choose a CSV file").set_input_files(file)
    return page


def test_five_thousand_people_are_imported_before_our_eyes_and_found(administrator: Watched, tmp_path: Path) -> None:
    rows = [
        [
            f"Person {n:04}",
            f"person{n}@example.com",
            f"+49 30 {n:07}",
            f"Company {n % 50}",
            'Said "hello",\ntwice',
            "fair;lead",
        ]
        for n in range(PEOPLE)
    ]
    administrator.page.add_init_script(TAKE_DOWN_BAR)
    page = upload(administrator, write_csv(tmp_path / "people.csv", rows))
    expect(page.get_by_role("heading", name="people.csv")).to_be_visible()
    administrator.screenshot("import-running")
    other = administrator.context.new_page()
    other.goto(page.url)
    for tab in (page, other):
        expect(tab.get_by_text("The import is complete.")).to_be_visible(timeout=30_000)
        expect(tab.locator("dl")).to_contain_text("New5,000")
    administrator.screenshot("import-complete")
    assert any(0 < share < 1 for share in page.evaluate("window.shares"))

    page.get_by_role("link", name="See the contacts").click()
    page.get_by_role("searchbox", name="Search contacts").fill("person 4242")
    expect(page.get_by_role("rowheader")).to_have_text(["Person 4242"])
    assert page.url.endswith("q=person+4242")
    administrator.screenshot("search")
    exported = administrator.context.request.get(f"{administrator.url}/api/contacts/export.csv").text()
    assert len([row for row in csv.DictReader(io.StringIO(exported)) if row["tags"] == "fair;lead"]) == PEOPLE


def test_rejected_rows_come_back_with_their_lines_and_reasons(administrator: Watched, tmp_path: Path) -> None:
    rows = [
        ["Good One", "good@example.com", "", "", "", ""],
        ["No Address", "", "", "", "", ""],
        ["Two Lines", "not an address", "", "", "first\nsecond", ""],
        ["", "nameless@example.com", "", "", "", ""],
    ]
    page = upload(administrator, write_csv(tmp_path / "bad.csv", rows))
    expect(page.get_by_text("Rejected rows: 3")).to_be_visible()
    administrator.screenshot("import-rejected")
    with page.expect_download() as download:
        page.get_by_role("link", name="Rejected rows (CSV)").click()
    rejected = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert [row["line"] for row in rejected] == ["3", "4", "6"]
    assert all(row["reason"] for row in rejected)


def test_a_file_with_the_wrong_header_says_what_is_missing(administrator: Watched, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("first,last\nAda,Lovelace\n")
    with administrator.expecting(400, 422):
        page = upload(administrator, file)
        expect(page.get_by_role("alert")).to_contain_text("email")
