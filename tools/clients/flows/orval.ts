import * as api from "../generated/orval/api";
import { bearer, type Client } from "./flow";
import { setBaseUrl } from "./orval-fetch";

const unexpected = (answer: { status: number; data: unknown }) => new Error(`${answer.status} ${JSON.stringify(answer.data)}`);

export const orval = (baseUrl: string): Client => {
  setBaseUrl(baseUrl);
  return {
    register: async (body) => {
      const answer = await api.register(body);
      if (answer.status !== 201) throw unexpected(answer);
      return answer.data.data;
    },
    me: async (token) => {
      const answer = await api.getMe({ headers: bearer(token) });
      if (answer.status !== 200) throw unexpected(answer);
      return answer.data.data.user;
    },
    verifyToken: async (token) => {
      const answer = await api.verifyToken({ token });
      if (answer.status !== 200) throw unexpected(answer);
      return answer.data.data.user;
    },
    refresh: async (refreshToken) => {
      const answer = await api.refresh({ refreshToken });
      if (answer.status !== 200) throw unexpected(answer);
      return answer.data.data;
    },
    logout: async (token) => {
      const answer = await api.logout({ headers: bearer(token) });
      if (answer.status !== 200 || !answer.data.success) throw unexpected(answer);
      return true; // orval 7 reads an enum of booleans as boolean
    },
    refused: async (token) => {
      const answer = await api.verifyToken({ token });
      if (answer.status !== 401) throw unexpected(answer);
      return { status: answer.status, code: answer.data.code };
    },
  };
};
