/** What is wrong with one field of a request. */
export interface FieldError {
  field: string;
  message: string;
}

interface Facts {
  status: number;
  code: string;
  title: string;
  detail?: string | undefined;
  errors?: FieldError[] | undefined;
  correlationId?: string | undefined;
  members?: Record<string, unknown> | undefined;
}

/** Thrown by every call of the API client that fails: a problem document (RFC 9457), or what stands in for one. */
export class Problem extends Error {
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Stable, for code to branch on: `contacts.stale`. */
  readonly code: string;
  readonly title: string;
  readonly detail: string | undefined;
  readonly errors: FieldError[];
  /** Names this request in the server's log. */
  readonly correlationId: string | undefined;
  /** Whatever else the document carries. */
  readonly members: Record<string, unknown>;

  constructor(facts: Facts) {
    super(facts.detail || facts.title);
    this.name = "Problem";
    this.status = facts.status;
    this.code = facts.code;
    this.title = facts.title;
    this.detail = facts.detail;
    this.errors = facts.errors ?? [];
    this.correlationId = facts.correlationId;
    this.members = facts.members ?? {};
  }

  static async fromResponse(response: Response): Promise<Problem> {
    const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
    const body: unknown = isJson ? await response.json().catch(() => null) : null;
    const {
      status,
      code,
      title,
      detail,
      errors,
      correlation_id,
      type: _,
      ...members
    } = isRecord(body) ? body : {};
    return new Problem({
      status: response.status,
      code: text(code) ?? `http.${response.status}`,
      title: text(title) ?? (response.statusText || `Error ${response.status}`),
      detail: text(detail),
      errors: Array.isArray(errors) ? errors.filter(isFieldError) : [],
      correlationId: text(correlation_id) ?? response.headers.get("x-correlation-id") ?? undefined,
      members,
    });
  }

  /** The request got no answer: no network, or nobody is listening. */
  static unreachable(): Problem {
    return new Problem({ status: 0, code: "network.unreachable", title: "The server cannot be reached" });
  }

  /** Whether the same request may well succeed in a moment. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFieldError(value: unknown): value is FieldError {
  return isRecord(value) && typeof value.field === "string" && typeof value.message === "string";
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
