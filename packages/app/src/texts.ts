export const texts = {
  broken: "Something went wrong",
  brokenDetail: "It is not your fault. Try again; if it stays, tell your administrator the reference below.",
  forbidden: "You may not see this",
  forbiddenDetail: "Your account lacks a permission for it. An administrator can grant it.",
  notFound: "This does not exist",
  notFoundDetail: "It may have been deleted, or the address is not quite right.",
  busy: "The server is busy",
  busyDetail: "Nothing is lost. Try again in a moment.",
  unavailable: "This part does not work just now",
  unavailableDetail: "The rest does. What you see here comes back by itself as soon as it can.",
  unreachable: "The server cannot be reached",
  unreachableDetail: "Check your connection. Nothing is lost; try again in a moment.",
};
