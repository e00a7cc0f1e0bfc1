import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { Field } from "./Field";
import { type Failure, Form } from "./Form";
import { Input } from "./Input";

function draw(failure?: Failure) {
  const onSubmit = vi.fn();
  const form = (current?: Failure) => (
    <Form onSubmit={onSubmit} failure={current}>
      <Field name="name" label="Name" required>
        <Input />
      </Field>
      <Field name="email" label="E-mail" hint="At work" required>
        <Input type="email" />
      </Field>
      <button type="submit">Save</button>
    </Form>
  );
  const { rerender } = render(form(failure));
  return { onSubmit, failWith: (next: Failure) => rerender(form(next)) };
}

test("what the browser finds wrong is said at the field, and the first of them has the focus", async () => {
  const { onSubmit } = draw();
  await userEvent.type(screen.getByLabelText("Name"), "Ada");
  await userEvent.type(screen.getByLabelText("E-mail"), "not an address");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));

  const email = screen.getByLabelText("E-mail");
  await vi.waitFor(() => expect(document.activeElement).toBe(email));
  expect(email.getAttribute("aria-invalid")).toBe("true");
  expect(screen.getByLabelText("Name").getAttribute("aria-invalid")).toBeNull();
  expect(onSubmit).not.toHaveBeenCalled();
});

test("a corrected form is submitted", async () => {
  const { onSubmit } = draw();
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await userEvent.type(screen.getByLabelText("Name"), "Ada");
  await userEvent.type(screen.getByLabelText("E-mail"), "ada@example.com");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));

  expect(Object.fromEntries(onSubmit.mock.calls[0]?.[0])).toEqual({ name: "Ada", email: "ada@example.com" });
});

test("what the server finds wrong is tied to the field that it names", () => {
  const { failWith } = draw();
  failWith({ message: "Conflict", errors: [{ field: "email", message: "Somebody has it." }] });

  const email = screen.getByLabelText("E-mail");
  const described = email
    .getAttribute("aria-describedby")
    ?.split(" ")
    .map(id => document.getElementById(id)?.textContent);
  expect(described).toEqual(["At work", "Somebody has it."]);
  expect(document.activeElement).toBe(email);
});

test("an error of a field that is not in the form is not lost", () => {
  const { failWith } = draw();
  failWith({ message: "Conflict", errors: [{ field: "version", message: "Out of date." }] });

  expect(screen.getByRole("alert").textContent).toContain("version: Out of date.");
});

test("a failure of the whole is said above the form", () => {
  const { failWith } = draw();
  failWith({ message: "The server cannot be reached" });

  expect(screen.getByRole("alert").textContent).toBe("The server cannot be reached");
});
