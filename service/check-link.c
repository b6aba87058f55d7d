/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program without state that is never run: linking it with a folder's library shows that the
 * folder uses only the folders that it may use (meson.build). */

int main(void) {
    return 0;
}
