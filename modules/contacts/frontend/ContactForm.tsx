import { Button, type Failure, Field, Form, FormActions, Input, TagInput, Textarea } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type ContactFields, tagsQuery } from "./contacts";
import { OrganisationInput } from "./OrganisationInput";
import { texts } from "./texts";

interface ContactFormProps {
  contact?: ContactFields;
  onSubmit: (fields: ContactFields) => void;
  failure: Failure | null;
  busy: boolean;
  /** Beside the save button. */
  cancel: ReactNode;
}

export function ContactForm({ contact, onSubmit, failure, busy, cancel }: ContactFormProps) {
  // Suggestions only: the form is whole without them.
  const tags = useQuery(tagsQuery).data?.items ?? [];

  return (
    <Form failure={failure} onSubmit={data => onSubmit(read(data))}>
      <Field label={texts.name} name="name" required>
        <Input defaultValue={contact?.name} autoComplete="off" maxLength={200} autoFocus />
      </Field>
      <Field label={texts.email} name="email" required>
        <Input type="email" defaultValue={contact?.email} autoComplete="off" maxLength={254} />
      </Field>
      <Field label={texts.phone} name="phone">
        <Input type="tel" defaultValue={contact?.phone ?? ""} autoComplete="off" maxLength={50} />
      </Field>
      <Field label={texts.organisation} name="organisation">
        <OrganisationInput defaultValue={contact?.organisation ?? ""} />
      </Field>
      <Field label={texts.tags} name="tags" hint={texts.tagsHint}>
        <TagInput defaultValue={contact?.tags} suggestions={tags.map(tag => tag.name)} />
      </Field>
      <Field label={texts.notes} name="notes">
        <Textarea defaultValue={contact?.notes ?? ""} />
      </Field>
      <FormActions>
        <Button type="submit" look="primary" busy={busy}>
          {texts.save}
        </Button>
        {cancel}
      </FormActions>
    </Form>
  );
}

function read(data: FormData): ContactFields {
  const text = (name: string) => String(data.get(name) ?? "").trim();
  return {
    name: text("name"),
    email: text("email"),
    phone: text("phone") || null,
    organisation: text("organisation") || null,
    notes: text("notes") || null,
    tags: data.getAll("tags").map(String),
  };
}
