import { api, Problem } from "@seamark/api-client";
import { Button, Card, useToast } from "@seamark/ui";
import { useMutation } from "@tanstack/react-query";
import { Flame } from "lucide-react";
import { texts } from "../texts";

const SECONDS = 10;

/** Looks at the process that answers, and saves what it saw. */
export function ProfileCard() {
  const toast = useToast();
  const profile = useMutation({
    mutationFn: takeProfile,
    onSuccess: () => toast({ message: texts.profileTaken }),
    onError: error => toast({ message: error.message, tone: "danger" }),
  });
  return (
    <Card
      title={texts.profile}
      icon={Flame}
      actions={
        <Button busy={profile.isPending} onClick={() => profile.mutate()}>
          {texts.profileTake(SECONDS)}
        </Button>
      }
    >
      <p>{texts.profileDetail(SECONDS)}</p>
    </Card>
  );
}

async function takeProfile() {
  const { data, response } = await api.POST("/api/admin/profile", {
    params: { query: { seconds: SECONDS } },
    parseAs: "blob",
  });
  if (!(data instanceof Blob)) throw Problem.unreachable();
  const named = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(data);
  link.download = named?.[1] ?? "seamark.speedscope.json";
  link.click();
  URL.revokeObjectURL(link.href);
}
