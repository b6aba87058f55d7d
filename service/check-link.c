/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Never run: linking it shows that a folder uses only the folders it may use (meson.build). */

int main(void) {
    return 0;
}
