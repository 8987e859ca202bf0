// Package npmproject installs a small pinned npm project into the user's cache folder, once a version, for tests and development
// tools that need one: the official emulator, the Firebase JavaScript SDK, a browser. It owns the folder and its atomic arrival,
// and knows nothing of what is installed. It needs npm on the PATH.
package npmproject
