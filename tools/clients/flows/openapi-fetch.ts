import createClient from "openapi-fetch";
import type { paths } from "../generated/openapi-typescript/schema";
import { bearer, type Client } from "./flow";

export const openapiFetch = (baseUrl: string): Client => {
  const api = createClient<paths>({ baseUrl });
  const read = async <T>(answer: Promise<{ data?: T; error?: unknown }>): Promise<T> => {
    const { data, error } = await answer;
    if (data === undefined) throw error;
    return data;
  };
  return {
    register: async (body) => (await read(api.POST("/v1/auth/register", { body }))).data,
    me: async (token) => (await read(api.GET("/v1/auth/me", { headers: bearer(token) }))).data.user,
    verifyToken: async (token) => (await read(api.POST("/v1/auth/verify-token", { body: { token } }))).data.user,
    refresh: async (refreshToken) => (await read(api.POST("/v1/auth/refresh", { body: { refreshToken } }))).data,
    logout: async (token) => (await read(api.POST("/v1/auth/logout", { headers: bearer(token) }))).success,
    refused: async (token) => {
      const { error, response } = await api.POST("/v1/auth/verify-token", { body: { token } });
      if (!error) throw new Error("the token was let in");
      type Refused = paths["/v1/auth/verify-token"]["post"]["responses"][401]["content"]["application/json"];
      return { status: response.status, code: (error as Refused).code };
    },
  };
};
