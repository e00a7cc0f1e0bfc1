import { FailureState } from "@seamark/app";
import { Component, type ReactNode } from "react";
import { isReloading } from "./release";

interface State {
  error: unknown;
  failed: boolean;
}

interface ErrorBoundaryProps {
  children: ReactNode;
  /** In place of what broke; left out, that says so. */
  fallback?: ReactNode;
}

/** Keeps a page that breaks from taking the rest of the application with it. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, State> {
  override state: State = { error: null, failed: false };

  static getDerivedStateFromError(error: unknown): State {
    return { error, failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    if (isReloading()) return null;
    if (this.props.fallback !== undefined) return this.props.fallback;
    return (
      <FailureState error={this.state.error} onRetry={() => this.setState({ error: null, failed: false })} />
    );
  }
}
