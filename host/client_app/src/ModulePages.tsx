import { useApp } from "@seamark/app";
import { use } from "react";
import { Route, Routes } from "react-router";
import { loadModule, routePath } from "./modules";
import { NotFound } from "./NotFound";
import { SignInFirst } from "./SignInFirst";

/** The pages of one enabled module. */
export function ModulePages({ name }: { name: string }) {
  const module = use(loadModule(name));
  const signedIn = useApp().user !== null;
  const pages = Object.entries(module?.pages ?? {});
  return (
    <Routes>
      {pages.map(([path, Page]) => {
        const open = signedIn || module?.publicPages?.includes(path);
        return <Route key={path} path={routePath(path)} element={open ? <Page /> : <SignInFirst />} />;
      })}
      <Route path="*" element={signedIn ? <NotFound /> : <SignInFirst />} />
    </Routes>
  );
}
