import { isErrorFromAlias } from "@zodios/core";
import { api as endpoints, createApiClient } from "../generated/openapi-zod-client/api";
import { bearer, type Client } from "./flow";

export const zod = (baseUrl: string): Client => {
  const api = createApiClient(baseUrl);
  const as = (token: string) => ({ headers: bearer(token) });
  return {
    register: async (body) => (await api.register(body)).data,
    me: async (token) => (await api.getMe(as(token))).data.user,
    verifyToken: async (token) => (await api.verifyToken({ token })).data.user,
    refresh: async (refreshToken) => (await api.refresh({ refreshToken })).data,
    logout: async (token) => (await api.logout(undefined, as(token))).success,
    refused: async (token) => {
      const refusal: unknown = await api.verifyToken({ token }).catch((error: unknown) => error);
      if (!isErrorFromAlias(endpoints.api, "verifyToken", refusal) || refusal.response.status !== 401) throw refusal;
      return { status: refusal.response.status, code: refusal.response.data.code };
    },
  };
};
