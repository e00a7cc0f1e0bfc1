import { signInPath } from "@seamark/app";
import { Navigate, useLocation } from "react-router";

/** To the sign-in page, which leads back here. */
export function SignInFirst() {
  const { pathname, search } = useLocation();
  return <Navigate to={signInPath(pathname + search)} replace />;
}
