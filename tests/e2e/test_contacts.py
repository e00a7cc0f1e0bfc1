"""One contact: changed, fought over, deleted and brought back."""

from playwright.sync_api import expect

from tests.e2e.watched import Watched


def test_a_contact_is_changed_deleted_and_brought_back(administrator: Watched) -> None:
    administrator.create_contact(name="Grace Hopper", email="grace@example.com", phone="1")
    page = administrator.open("/contacts?q=hopper")
    page.get_by_role("link", name="Grace Hopper").click()
    administrator.screenshot("contact")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Phone").fill("+1 212 555 0100")
    administrator.screenshot("contact-edit")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("+1 212 555 0100")).to_be_visible()

    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Grace Hopper has been deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="Grace Hopper")).to_have_count(0)
    administrator.screenshot("undo")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()


def test_two_people_at_one_contact_do_not_overwrite_each_other(administrator: Watched) -> None:
    administrator.create_contact(name="Ada Lovelace", email="ada@example.com")
    page = administrator.open("/contacts?q=lovelace")
    page.get_by_role("link", name="Ada Lovelace").click()
    page.get_by_role("link", name="Edit").click()
    other = administrator.context.new_page()
    other.goto(page.url)
    other.get_by_label("Phone").fill("theirs")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("theirs")).to_be_visible()
    page.get_by_label("Phone").fill("mine")
    with administrator.expecting(409):
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog")).to_contain_text("theirs")
    administrator.screenshot("conflict")
    page.get_by_role("button", name="Save mine").click()
    expect(page.get_by_text("mine", exact=True)).to_be_visible()


def test_a_field_that_is_wrong_says_so_and_has_the_focus(administrator: Watched) -> None:
    page = administrator.open("/contacts/new")
    page.get_by_label("Name").fill("Nobody")
    page.get_by_label("E-mail").fill("not an address")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")


def test_sort_search_and_page_are_in_the_address(administrator: Watched) -> None:
    for number in range(30):
        administrator.create_contact(name=f"Paged {number:02}", email=f"paged{number}@example.com")
    page = administrator.open("/contacts?q=paged")
    page.get_by_role("button", name="Name").click()
    expect(page.get_by_role("rowheader").first).to_have_text("Paged 29")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("rowheader").last).to_have_text("Paged 00")
    page.reload()
    expect(page.get_by_role("rowheader").last).to_have_text("Paged 00")
    page.go_back()
    expect(page.get_by_role("rowheader").first).to_have_text("Paged 29")
