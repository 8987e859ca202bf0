// What a frontend's compiler must refuse. It is compiled and never run: a directive over a line that compiles is an error.
import type { components } from "../../gen/ts/schema.js";
import { bearer, service } from "./frontend.mjs";

type RegisterInput = components["schemas"]["RegisterInput"];

const api = service("http://127.0.0.1");

export async function misuse(): Promise<void> {
  // @ts-expect-error -- no such path
  await api.GET("/v1/auth/nobody");
  // @ts-expect-error -- the path has no such method
  await api.PUT("/v1/auth/me", {});
  // @ts-expect-error -- a required field is missing
  await api.POST("/v1/auth/login", { body: { email: "jane@example.com" } });
  // @ts-expect-error -- the field is named password
  await api.POST("/v1/auth/login", { body: { email: "jane@example.com", passwd: "TestPassword123" } });
  // openapi-fetch infers its body, so that a field too many is seen only where the body's type is named; the service refuses it.
  // @ts-expect-error -- the field is named displayName
  const person: RegisterInput = { email: "jane@example.com", password: "TestPassword123", display_name: "Jane" };
  await api.POST("/v1/auth/register", { body: person });
  // @ts-expect-error -- a token is text
  await api.POST("/v1/auth/verify-token", { body: { token: 1 } });
  // @ts-expect-error -- a body is required
  await api.PATCH("/v1/auth/me", bearer("token"));

  const { data, error } = await api.GET("/v1/auth/me", bearer("token"));
  // @ts-expect-error -- a failure has no data
  data.data.user.id;
  if (data) {
    // @ts-expect-error -- the field is named firebase_uid
    data.data.user.firebaseUid;
    // @ts-expect-error -- people without an e-mail exist
    data.data.user.email.toLowerCase();
    // @ts-expect-error -- a hash is nobody's business
    data.data.user.password_hash;
  }
  // @ts-expect-error -- not one of the contract's codes
  if (error?.code === "no_such_code") throw error;
}
