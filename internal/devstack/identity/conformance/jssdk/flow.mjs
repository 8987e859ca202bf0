// A person's life at the identity provider, by the Firebase JavaScript SDK: `node flow.mjs http://HOST PROJECT`. Each step is
// a line with what the SDK made of the provider's answer: "ok" or its error code.
import { initializeApp } from "firebase/app";
import * as sdk from "firebase/auth";

const [base, projectId] = process.argv.slice(2);
const auth = sdk.getAuth(initializeApp({ apiKey: "any", projectId }));
sdk.connectAuthEmulator(auth, base, { disableWarnings: true });

const email = "js@example.com";

async function step(name, action) {
  let outcome;
  try {
    outcome = (await action()) ?? "ok";
  } catch (error) {
    outcome = error.code ?? error;
  }
  console.log(`${name}: ${outcome}`);
}

const newestCode = async (kind) => (await newestMail(kind)).oobCode;
const newestLink = async (kind) => (await newestMail(kind)).oobLink;

async function newestMail(kind) {
  const response = await fetch(`${base}/emulator/v1/projects/${projectId}/oobCodes`);
  const { oobCodes } = await response.json();
  return oobCodes.filter((mail) => mail.requestType === kind).at(-1);
}

const nothing = () => undefined;
const signIn = (password) => sdk.signInWithEmailAndPassword(auth, email, password).then(nothing);
const credential = (address, password) => sdk.EmailAuthProvider.credential(address, password);

await step("sign up", () => sdk.createUserWithEmailAndPassword(auth, email, "secret-1").then(nothing));
await step("sign up again", () => sdk.createUserWithEmailAndPassword(auth, email, "secret-1"));
await step("profile", () => sdk.updateProfile(auth.currentUser, { displayName: "J S" }));
await step("name in the token", async () => (await auth.currentUser.getIdTokenResult(true)).claims.name);
await step("verification mail", () => sdk.sendEmailVerification(auth.currentUser));
await step("verification", async () => sdk.applyActionCode(auth, await newestCode("VERIFY_EMAIL")));
await step("verified", () => auth.currentUser.reload().then(() => auth.currentUser.emailVerified));
await step("change password", () => sdk.updatePassword(auth.currentUser, "secret-2"));
await step("refresh afterwards", () => auth.currentUser.getIdToken(true).then(nothing));
await step("change e-mail", () => sdk.updateEmail(auth.currentUser, "new@example.com"));
await step("change e-mail by mail", () => sdk.verifyBeforeUpdateEmail(auth.currentUser, "new@example.com"));
await step("reauthenticate", () =>
  sdk.reauthenticateWithCredential(auth.currentUser, credential(email, "secret-2")).then(nothing));
await step("sign out", () => sdk.signOut(auth));
await step("wrong password", () => signIn("wrong-one"));
await step("reset mail", () => sdk.sendPasswordResetEmail(auth, email));
await step("reset", async () => sdk.confirmPasswordReset(auth, await newestCode("PASSWORD_RESET"), "secret-3"));
await step("old password", () => signIn("secret-2"));
await step("new password", () => signIn("secret-3"));
const app = { url: "http://app.example/in", handleCodeInApp: true };
const person = (subject) => sdk.GoogleAuthProvider.credential(JSON.stringify({ sub: subject, email, email_verified: true }));
await step("sign-in mail", () => sdk.sendSignInLinkToEmail(auth, email, app));
await step("sign in by its link", async () =>
  sdk.signInWithEmailLink(auth, email, await newestLink("EMAIL_SIGNIN")).then(nothing));
await step("sign in at Google", () => sdk.signInWithCredential(auth, person("7")).then(nothing));
await step("as the same user", () => auth.currentUser.providerData.map(({ providerId }) => providerId).join());
await step("reauthenticate at Google", () => sdk.reauthenticateWithCredential(auth.currentUser, person("7")).then(nothing));
await step("reauthenticate as another user", () =>
  sdk.reauthenticateWithCredential(auth.currentUser, sdk.GoogleAuthProvider.credential(JSON.stringify({ sub: "8" }))));
await step("delete", () => sdk.deleteUser(auth.currentUser));
await step("sign in when deleted", () => signIn("secret-3"));
await step("anonymous", () => sdk.signInAnonymously(auth).then(nothing));
await step("link", () =>
  sdk.linkWithCredential(auth.currentUser, credential("an@example.com", "secret-1")).then(nothing));
await step("no longer anonymous", () => !auth.currentUser.isAnonymous);
process.exit(0);
