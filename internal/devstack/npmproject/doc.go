// Package npmproject installs small pinned npm projects into the user's cache, atomically. It needs npm.
package npmproject
