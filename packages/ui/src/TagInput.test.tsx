import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { Field } from "./Field";
import { TagInput } from "./TagInput";

function draw(tags: string[]) {
  const { container } = render(
    <form>
      <Field name="tags" label="Tags">
        <TagInput defaultValue={tags} />
      </Field>
    </form>,
  );
  const form = container.querySelector("form") as HTMLFormElement;
  return () => new FormData(form).getAll("tags");
}

test("Enter, a comma, a semicolon and leaving the field each end a tag", async () => {
  const tags = draw([]);
  const input = screen.getByRole("combobox", { name: /Tags/ });
  await userEvent.type(input, "vip{Enter}press,berlin;last");
  await userEvent.tab();
  expect(tags()).toEqual(["vip", "press", "berlin", "last"]);
});

test("a list that is pasted becomes its tags, and none of them twice, however it is written", async () => {
  const tags = draw(["vip"]);
  await userEvent.click(screen.getByRole("combobox"));
  await userEvent.paste("VIP; press ;press;;berlin;");
  expect(tags()).toEqual(["vip", "press", "berlin"]);
});

test("a tag is taken away by its button, the last one also by Backspace", async () => {
  const tags = draw(["vip", "press", "berlin"]);
  await userEvent.click(screen.getByRole("button", { name: "Remove vip" }));
  await userEvent.type(screen.getByRole("combobox"), "{Backspace}");
  expect(tags()).toEqual(["press"]);
});
