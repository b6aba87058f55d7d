/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/fd.h"
#include "ingest/ingest.h"

#include <signal.h>
#include <sys/mman.h>

#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static int pipe_with(const char *text) {
    int ends[2];

    g_assert_true(berth_fd_pipe(ends, NULL));
    g_assert_true(berth_fd_write_all(ends[1], text, strlen(text)));
    close(ends[1]);
    return ends[0];
}

static void test_bytes_are_hashed_and_written(void) {
    berth_autofd int input = pipe_with("abc");
    berth_autofd int file = memfd_create("ingest", 0);
    BerthIngest ingest = {input, file, -1, BERTH_ALGORITHM_SHA256, 0, 3};
    g_autofree char *digest = NULL;
    uint64_t size;
    size_t length;

    g_assert_true(berth_ingest_run(&ingest, &digest, &size, NULL));
    g_assert_cmpstr(digest, ==, ABC);
    g_assert_cmpuint(size, ==, 3);
    g_autofree char *text = berth_fd_read_whole(file, 10, &length, NULL);
    g_assert_cmpstr(text, ==, "abc");
}

static void test_a_resumed_ingest_goes_on_at_its_offset(void) {
    berth_autofd int input = pipe_with("c");
    berth_autofd int file = memfd_create("ingest", 0);
    int ends[2];
    g_assert_true(berth_fd_pipe(ends, NULL));
    berth_autofd int output = ends[0];
    BerthIngest ingest = {input, file, ends[1], BERTH_ALGORITHM_SHA256, 2, 3};
    g_autofree char *digest = NULL;
    uint64_t size;
    char passed[8] = "";

    /* What lies behind the offset does not count. */
    g_assert_true(berth_fd_write_all(file, "abXX", 4));
    g_assert_true(berth_ingest_run(&ingest, &digest, &size, NULL));
    g_assert_cmpstr(digest, ==, ABC);
    close(ends[1]);
    /* Who listens gets it from the beginning. */
    g_assert_cmpint(read(output, passed, 2), ==, 2);
    g_assert_cmpint(read(output, passed + 2, 5), ==, 1);
    g_assert_cmpstr(passed, ==, "abc");
}

static void test_more_than_the_limit_is_refused(void) {
    berth_autofd int input = pipe_with("abcd");
    berth_autofd int file = memfd_create("ingest", 0);
    BerthIngest ingest = {input, file, -1, BERTH_ALGORITHM_SHA256, 0, 3};
    g_autoptr(GError) error = NULL;
    char *digest;
    uint64_t size;

    g_assert_false(berth_ingest_run(&ingest, &digest, &size, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_SIZE_MISMATCH);
}

static void test_a_listener_that_leaves_does_no_harm(void) {
    berth_autofd int input = pipe_with("abc");
    berth_autofd int file = memfd_create("ingest", 0);
    int ends[2];
    g_assert_true(berth_fd_pipe(ends, NULL));
    close(ends[0]);
    berth_autofd int onward = ends[1];
    BerthIngest ingest = {input, file, onward, BERTH_ALGORITHM_SHA256, 0, 3};
    g_autofree char *digest = NULL;
    uint64_t size;

    g_assert_true(berth_ingest_run(&ingest, &digest, &size, NULL));
    g_assert_cmpstr(digest, ==, ABC);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ingest/bytes-are-hashed-and-written", test_bytes_are_hashed_and_written);
    g_test_add_func("/ingest/a-resumed-ingest-goes-on-at-its-offset",
                    test_a_resumed_ingest_goes_on_at_its_offset);
    g_test_add_func("/ingest/more-than-the-limit-is-refused", test_more_than_the_limit_is_refused);
    g_test_add_func("/ingest/a-listener-that-leaves-does-no-harm",
                    test_a_listener_that_leaves_does_no_harm);
    return g_test_run();
}
