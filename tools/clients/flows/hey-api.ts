import { createClient } from "../generated/hey-api/client";
import * as sdk from "../generated/hey-api/sdk.gen";
import type { VerifyTokenErrors } from "../generated/hey-api/types.gen";
import { bearer, type Client } from "./flow";

export const heyApi = (baseUrl: string): Client => {
  const client = createClient({ baseUrl });
  const options = { client, throwOnError: true } as const;
  return {
    register: async (body) => (await sdk.register({ ...options, body })).data.data,
    me: async (token) => (await sdk.getMe({ ...options, headers: bearer(token) })).data.data.user,
    verifyToken: async (token) => (await sdk.verifyToken({ ...options, body: { token } })).data.data.user,
    refresh: async (refreshToken) => (await sdk.refresh({ ...options, body: { refreshToken } })).data.data,
    logout: async (token) => (await sdk.logout({ ...options, headers: bearer(token) })).data.success,
    refused: async (token) => {
      const { error, response } = await sdk.verifyToken({ client, body: { token } });
      if (!error || !response) throw new Error("the token was let in");
      return { status: response.status, code: (error as VerifyTokenErrors[401]).code };
    },
  };
};
