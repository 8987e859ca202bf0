import { AxiosError } from "axios";
import * as api from "../generated/kubb";
import { bearer, type Client } from "./flow";

export const kubb = (baseURL: string): Client => {
  const as = (token: string) => ({ baseURL, headers: bearer(token) });
  return {
    register: async (body) => (await api.register(body, { baseURL })).data,
    me: async (token) => (await api.getMe(as(token))).data.user,
    verifyToken: async (token) => (await api.verifyToken({ token }, { baseURL })).data.user,
    refresh: async (refreshToken) => (await api.refresh({ refreshToken }, { baseURL })).data,
    logout: async (token) => (await api.logout(as(token))).success,
    refused: async (token) => {
      const refusal: unknown = await api.verifyToken({ token }, { baseURL }).catch((error: unknown) => error);
      if (!(refusal instanceof AxiosError) || !refusal.response) throw refusal;
      const { status, data } = (refusal as AxiosError<api.VerifyToken401>).response!;
      return { status, code: data.code };
    },
  };
};
