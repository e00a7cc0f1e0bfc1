import {
  Activity,
  Anchor,
  Bell,
  Boxes,
  Calendar,
  CircleUser,
  ClipboardList,
  CreditCard,
  FileText,
  Folder,
  Globe,
  House,
  LayoutDashboard,
  ListChecks,
  type LucideIcon,
  Mail,
  Map as MapIcon,
  MessageSquare,
  Package,
  Settings,
  ShieldCheck,
  ShoppingCart,
  Stethoscope,
  Tag,
  Users,
} from "lucide-react";

/** What a manifest's navigation may name as its icon. Add to it as modules need more. */
const icons: Record<string, LucideIcon> = {
  activity: Activity,
  anchor: Anchor,
  bell: Bell,
  boxes: Boxes,
  calendar: Calendar,
  "circle-user": CircleUser,
  "clipboard-list": ClipboardList,
  "credit-card": CreditCard,
  "file-text": FileText,
  folder: Folder,
  globe: Globe,
  house: House,
  "layout-dashboard": LayoutDashboard,
  "list-checks": ListChecks,
  mail: Mail,
  map: MapIcon,
  "message-square": MessageSquare,
  package: Package,
  settings: Settings,
  "shield-check": ShieldCheck,
  "shopping-cart": ShoppingCart,
  stethoscope: Stethoscope,
  tag: Tag,
  users: Users,
};

/** An icon by name; an anchor for a name that nobody knows. */
export function Icon({ name, size = 18 }: { name: string; size?: number }) {
  const Found = icons[name] ?? Anchor;
  return <Found size={size} aria-hidden="true" />;
}
