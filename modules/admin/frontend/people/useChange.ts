import { useToast } from "@seamark/ui";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { peopleKey } from "./accounts";

/** A change to accounts or roles: says that it is done, and shows the lists as they are now. */
export function useChange<Input>(
  change: (input: Input) => Promise<unknown>,
  done: string,
  onDone: () => void,
) {
  const client = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: change,
    onSuccess: () => {
      toast({ message: done });
      onDone();
      return client.invalidateQueries({ queryKey: peopleKey });
    },
  });
}
