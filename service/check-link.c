/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program without state that is never run: linking it with a folder's library verifies that the
 * folder only uses the folders that it may depend on (meson.build).
 */

int main(void) {
    return 0;
}
