import { api, body } from "@seamark/api-client";
import { Permitted } from "@seamark/app";
import { Alert, Card, PageHeader, Stack } from "@seamark/ui";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { texts } from "../texts";
import { FileDrop } from "./FileDrop";
import { FormatHelp } from "./FormatHelp";
import { importPath, importsKey } from "./imports";
import { RecentImports } from "./RecentImports";

export default function NewImport() {
  const navigate = useNavigate();
  const client = useQueryClient();
  const upload = useMutation({
    mutationFn: (file: File) =>
      body(
        api.POST("/api/contacts/imports", {
          // The schema calls a file a string; what goes out is a form with the file in it.
          body: { file: file.name },
          bodySerializer: () => {
            const form = new FormData();
            form.set("file", file);
            return form;
          },
        }),
      ),
    onSuccess: async ({ id }) => {
      navigate(importPath(id));
      await client.invalidateQueries({ queryKey: importsKey });
    },
  });

  return (
    <>
      <PageHeader
        title={texts.importTitle}
        lead={texts.importLead}
        back={{ to: "/contacts", label: texts.contacts }}
      />
      <Permitted permission="contacts.write">
        <Stack>
          {upload.error && <Alert tone="danger" title={upload.error.message} />}
          <FileDrop busy={upload.isPending} onFile={file => upload.mutate(file)} />
          <FormatHelp />
          <Card title={texts.recentImports}>
            <RecentImports />
          </Card>
        </Stack>
      </Permitted>
    </>
  );
}
