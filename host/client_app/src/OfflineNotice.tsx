import { Alert } from "@seamark/ui";
import { onlineManager } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import styles from "./OfflineNotice.module.css";
import { texts } from "./texts";

const subscribe = (listener: () => void) => onlineManager.subscribe(listener);
const isOnline = () => onlineManager.isOnline();

export function OfflineNotice() {
  if (useSyncExternalStore(subscribe, isOnline)) return null;
  return (
    <div className={styles.notice}>
      <Alert tone="warning" title={texts.offline} />
    </div>
  );
}
