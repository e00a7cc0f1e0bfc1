export { AppContext, type AppInfo, appQuery, type User, useApp, useCan } from "./app";
export { ListTable } from "./ListTable";
export { FailureState, Loaded } from "./Loaded";
export type { FrontendModule } from "./module";
export { Permitted } from "./Permitted";
export { createQueryClient } from "./queryClient";
export { PROFILE, SIGN_IN, safeNext, signInPath } from "./signIn";
export { type ListState, useListState } from "./useListState";
export { useSearchText } from "./useSearchText";
