// The base URL of orval's generated functions, which know none of their own.
let base = "";

export const setBaseUrl = (url: string) => {
  base = url;
};

export async function request<T>(path: string, options: RequestInit): Promise<T> {
  const response = await fetch(base + path, options);
  return { data: await response.json(), status: response.status, headers: response.headers } as T;
}
