/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An ingest from start to end: hashing, writing, resuming, and announcing that the file grows. */

#include "base/fd.h"
#include "ingest/ingest.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

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

static void test_a_resumed_ingest_continues_at_its_offset(void) {
    berth_autofd int input = pipe_with("c");
    berth_autofd int file = memfd_create("ingest", 0);
    int ends[2];
    g_assert_true(berth_fd_pipe(ends, NULL));
    berth_autofd int output = ends[0];
    BerthIngest ingest = {input, file, ends[1], BERTH_ALGORITHM_SHA256, 2, 3};
    g_autofree char *digest = NULL;
    uint64_t size;
    size_t length;
    char byte;

    /* Bytes after the offset do not count. */
    g_assert_true(berth_fd_write_all(file, "abXX", 4));
    g_assert_true(berth_ingest_run(&ingest, &digest, &size, NULL));
    g_assert_cmpstr(digest, ==, ABC);
    close(ends[1]);
    /* A reader of the file is told of its growth, and finds the content from the beginning. */
    g_assert_cmpint(read(output, &byte, 1), ==, 1);
    g_autofree char *text = berth_fd_read_whole(file, 10, &length, NULL);
    g_assert_cmpstr(text, ==, "abc");
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

static void test_a_reader_of_announcements_may_close_its_end(void) {
    berth_autofd int input = pipe_with("abc");
    berth_autofd int file = memfd_create("ingest", 0);
    int ends[2];
    g_assert_true(berth_fd_pipe(ends, NULL));
    close(ends[0]);
    berth_autofd int growth = ends[1];
    BerthIngest ingest = {input, file, growth, BERTH_ALGORITHM_SHA256, 0, 3};
    g_autofree char *digest = NULL;
    uint64_t size;

    g_assert_true(berth_ingest_run(&ingest, &digest, &size, NULL));
    g_assert_cmpstr(digest, ==, ABC);
}

static gpointer run_ingest(gpointer data) {
    char *digest;
    uint64_t size;

    g_assert_true(berth_ingest_run(data, &digest, &size, NULL));
    return digest;
}

/* A reader that begins late finds a full pipe, and is told of what comes after that. */
static void test_a_full_pipe_of_announcements_is_no_obstacle(void) {
    berth_autofd int file = memfd_create("ingest", 0);
    int content[2], ends[2];
    struct stat status = {0};
    char bytes[512];
    ssize_t got, announced = 0;

    g_assert_true(berth_fd_pipe(content, NULL));
    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    while (write(ends[1], "", 1) == 1)
        ;
    g_assert_cmpint(errno, ==, EAGAIN);
    BerthIngest ingest = {content[0], file, ends[1], BERTH_ALGORITHM_SHA256, 0, 3};
    GThread *thread = g_thread_new("ingest", run_ingest, &ingest);
    g_assert_true(berth_fd_write_all(content[1], "a", 1));
    while (status.st_size < 1) {
        g_thread_yield();
        g_assert_cmpint(fstat(file, &status), ==, 0);
    }
    while ((got = read(ends[0], bytes, sizeof bytes)) > 0)
        ;
    g_assert_cmpint(errno, ==, EAGAIN);
    g_assert_true(berth_fd_write_all(content[1], "bc", 2));
    close(content[1]);
    g_autofree char *digest = g_thread_join(thread);
    while ((got = read(ends[0], bytes, sizeof bytes)) > 0)
        announced += got;
    g_assert_cmpint(announced, >, 0);
    g_assert_cmpstr(digest, ==, ABC);
    close(content[0]);
    close(ends[0]);
    close(ends[1]);
}

enum { LARGE_BYTES = 3 * 1024 * 1024 + 17 };

typedef struct {
    int fd, file;
    const uint8_t *content;
    uint64_t seen;
} Side;

static gpointer write_large(gpointer data) {
    Side *side = data;

    g_assert_true(berth_fd_write_all(side->fd, (const char *)side->content, LARGE_BYTES));
    close(side->fd);
    return NULL;
}

/* Checks after each announcement that the announced bytes are in the file. */
static gpointer follow_large(gpointer data) {
    Side *side = data;
    g_autofree uint8_t *buffer = g_malloc(LARGE_BYTES);
    struct stat status;
    char byte;

    while (read(side->fd, &byte, 1) > 0) {
        g_assert_cmpint(fstat(side->file, &status), ==, 0);
        g_assert_cmpint(status.st_size, >, 0);
        g_assert_cmpuint((uint64_t)status.st_size, >=, side->seen);
        size_t more = (size_t)status.st_size - side->seen;
        g_assert_cmpint(pread(side->file, buffer, more, (off_t)side->seen), ==, more);
        g_assert_cmpmem(buffer, more, side->content + side->seen, more);
        side->seen += more;
    }
    return NULL;
}

/* The input ends are those of a pipe or of a socket. */
static void check_growth(const int ends[2]) {
    g_autofree uint8_t *content = g_malloc(LARGE_BYTES);
    g_autoptr(BerthHash) hash = berth_hash_new(BERTH_ALGORITHM_SHA256);
    berth_autofd int input = ends[0];
    berth_autofd int file = memfd_create("ingest", 0);
    int growth[2];
    g_assert_true(berth_fd_pipe(growth, NULL));
    berth_autofd int output = growth[0];
    for (size_t i = 0; i < LARGE_BYTES; i++)
        content[i] = (uint8_t)(i * 31 ^ (i >> 9));
    Side from = {ends[1], -1, content, 0}, to = {output, file, content, 0};
    GThread *writer = g_thread_new("writer", write_large, &from);
    GThread *follower = g_thread_new("follower", follow_large, &to);
    BerthIngest ingest = {input, file, growth[1], BERTH_ALGORITHM_SHA256, 0, LARGE_BYTES};
    g_autofree char *digest = NULL, *expected = NULL;
    uint64_t size;
    size_t length;

    g_assert_true(berth_ingest_run(&ingest, &digest, &size, NULL));
    close(growth[1]);
    g_thread_join(writer);
    g_thread_join(follower);
    g_autofree char *stored = berth_fd_read_whole(file, LARGE_BYTES, &length, NULL);
    berth_hash_update(hash, content, LARGE_BYTES);
    expected = berth_hash_get_digest(hash);
    g_assert_cmpstr(digest, ==, expected);
    g_assert_cmpmem(stored, length, content, LARGE_BYTES);
    g_assert_cmpuint(to.seen, ==, LARGE_BYTES);
}

static void test_growth_by_a_pipe_is_announced(void) {
    int ends[2];

    g_assert_true(berth_fd_pipe(ends, NULL));
    check_growth(ends);
}

static void test_growth_by_a_socket_is_announced(void) {
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
    check_growth(ends);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ingest/bytes-are-hashed-and-written", test_bytes_are_hashed_and_written);
    g_test_add_func("/ingest/a-resumed-ingest-continues-at-its-offset",
                    test_a_resumed_ingest_continues_at_its_offset);
    g_test_add_func("/ingest/more-than-the-limit-is-refused", test_more_than_the_limit_is_refused);
    g_test_add_func("/ingest/a-reader-of-announcements-may-close-its-end",
                    test_a_reader_of_announcements_may_close_its_end);
    g_test_add_func("/ingest/a-full-pipe-of-announcements-is-no-obstacle",
                    test_a_full_pipe_of_announcements_is_no_obstacle);
    g_test_add_func("/ingest/growth-by-a-pipe-is-announced", test_growth_by_a_pipe_is_announced);
    g_test_add_func("/ingest/growth-by-a-socket-is-announced",
                    test_growth_by_a_socket_is_announced);
    return g_test_run();
}
