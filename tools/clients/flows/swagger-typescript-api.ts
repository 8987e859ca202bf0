import { Api, type HttpResponse, type TokenFailure } from "../generated/swagger-typescript-api/api";
import { bearer, type Client } from "./flow";

export const swaggerTypescriptApi = (baseUrl: string): Client => {
  // The generator does not see the format of responses that the contract names by reference.
  const { v1 } = new Api({ baseUrl, baseApiParams: { format: "json" } });
  const as = (token: string) => ({ headers: bearer(token) });
  return {
    register: async (body) => (await v1.register(body)).data.data,
    me: async (token) => (await v1.getMe(as(token))).data.data.user,
    verifyToken: async (token) => (await v1.verifyToken({ token })).data.data.user,
    refresh: async (refreshToken) => (await v1.refresh({ refreshToken })).data.data,
    logout: async (token) => (await v1.logout(as(token))).data.success,
    refused: async (token) => {
      const refusal = await v1.verifyToken({ token }).then(
        () => Promise.reject(new Error("the token was let in")),
        (answer: HttpResponse<never, TokenFailure>) => answer,
      );
      return { status: refusal.status, code: refusal.error.code };
    },
  };
};
