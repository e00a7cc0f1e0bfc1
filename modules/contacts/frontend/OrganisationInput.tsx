import { useSearchText } from "@seamark/app";
import { Input } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { organisationsQuery } from "./contacts";

/** An organisation's name, with those that are known already as suggestions. */
export function OrganisationInput({ defaultValue }: { defaultValue: string }) {
  const id = useId();
  const [searched, setSearched] = useState(defaultValue);
  const [text, setText] = useSearchText(searched, setSearched);
  const known = useQuery(organisationsQuery(searched)).data?.items ?? [];
  return (
    <>
      <Input
        value={text}
        onChange={event => setText(event.target.value)}
        list={id}
        autoComplete="off"
        maxLength={200}
      />
      <datalist id={id}>
        {known.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}
