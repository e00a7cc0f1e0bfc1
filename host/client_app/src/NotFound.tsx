import { ButtonLink, PageHeader } from "@seamark/ui";
import { texts } from "./texts";

export function NotFound() {
  return (
    <>
      <PageHeader title={texts.notFound} lead={texts.notFoundDetail} />
      <ButtonLink to="/">{texts.toHome}</ButtonLink>
    </>
  );
}
