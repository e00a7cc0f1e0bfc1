export const texts = {
  all: "All notifications",
  bell: (unread: number) => (unread ? `Notifications, ${counted(unread)} unread` : "Notifications"),
  counted,
  delete: (title: string) => `Delete “${title}”`,
  empty: "Nothing so far",
  emptyDetail: "When something that you started is done, or somebody has something for you, it is here.",
  lead: "What you were told, the latest first.",
  markAllRead: "Mark all as read",
  markRead: (title: string) => `Mark “${title}” as read`,
  notChanged: "That could not be saved. Try again.",
  notifications: "Notifications",
  unread: "Unread:",
};

/** The server counts no further than a hundred. */
function counted(unread: number): string {
  return unread > 99 ? "99+" : String(unread);
}
