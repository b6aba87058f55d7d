/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to a server in a thread of this process, whose bodies go to a sink. */

#include "fetch/http.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_BYTES = 8 * 1024 * 1024, PIECE_BYTES = 64 * 1024 };

/* A worker has one for all of its requests, until it exits. */
static sd_event *event;
static BerthHttp *http;

typedef struct {
    int listener;
    char *url;
    BerthRequest *request;
    uint64_t taken;
    unsigned blocks, blocks_after_failure;
    bool fails, has_failed, is_done;
    GError *error;
} Download;

/* Answers one request. */
static gpointer serve(gpointer data) {
    const Download *download = data;
    g_autofree char *piece = g_malloc0(PIECE_BYTES);
    g_autofree char *head =
        g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_BYTES);
    berth_autofd int peer = accept4(download->listener, NULL, NULL, SOCK_CLOEXEC);

    g_assert_cmpint(peer, >=, 0);
    g_assert_cmpint(read(peer, piece, PIECE_BYTES), >, 0);
    memset(piece, 0, PIECE_BYTES);
    ssize_t sent = send(peer, head, strlen(head), MSG_NOSIGNAL);
    for (size_t left = BODY_BYTES; sent > 0 && left > 0; left -= (size_t)sent)
        sent = send(peer, piece, MIN(left, PIECE_BYTES), MSG_NOSIGNAL);
    return NULL;
}

static void download_listen(Download *download) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    download->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(download->listener, >=, 0);
    g_assert_cmpint(bind(download->listener, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(download->listener, 1), ==, 0);
    g_assert_cmpint(getsockname(download->listener, (struct sockaddr *)&address, &size), ==, 0);
    download->url = g_strdup_printf("http://127.0.0.1:%u/", ntohs(address.sin_port));
}

static int on_resume(sd_event_source *source, void *userdata) {
    Download *download = userdata;

    (void)source;
    berth_request_resume(download->request);
    return 0;
}

/* Pauses at the first block, which comes again after that. */
static bool take_block(const BerthResponse *response, const char *data, size_t size, bool *pause,
                       void *userdata, GError **error) {
    Download *download = userdata;

    (void)response;
    (void)data;
    if (download->has_failed)
        download->blocks_after_failure++;
    if (download->blocks++ == 0) {
        *pause = true;
        sd_event_add_defer(event, NULL, on_resume, download);
        return false;
    }
    if (download->fails) {
        download->has_failed = true;
        return download->blocks_after_failure > 0 ||
               berth_error_set(error, BERTH_ERROR_INTERNAL, "no more");
    }
    download->taken += size;
    return true;
}

static void on_done(const BerthResponse *response, const GError *error, void *userdata) {
    Download *download = userdata;

    (void)response;
    download->error = error ? g_error_copy(error) : NULL;
    download->is_done = true;
}

static void download_run(Download *download) {
    BerthHttpOptions options = {.method = "GET", .sink = take_block};

    download_listen(download);
    g_thread_unref(g_thread_new("server", serve, download));
    options.url = download->url;
    download->request = berth_http_send(http, &options, on_done, download);
    while (!download->is_done)
        g_assert_cmpint(sd_event_run(event, UINT64_MAX), >=, 0);
}

static void download_clear(Download *download) {
    close(download->listener);
    g_free(download->url);
    g_clear_error(&download->error);
}

static void test_a_paused_block_comes_again(void) {
    Download download = {0};

    download_run(&download);
    g_assert_no_error(download.error);
    g_assert_cmpuint(download.taken, ==, BODY_BYTES);
    download_clear(&download);
}

/* libcurl goes on with a transfer whose paused block is refused. */
static void test_nothing_follows_a_block_that_is_refused(void) {
    Download download = {.fails = true};

    download_run(&download);
    g_assert_error(download.error, BERTH_ERROR, BERTH_ERROR_INTERNAL);
    g_assert_cmpuint(download.blocks_after_failure, ==, 0);
    download_clear(&download);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(curl_global_init(CURL_GLOBAL_DEFAULT), ==, CURLE_OK);
    g_assert_cmpint(sd_event_new(&event), >=, 0);
    http = berth_http_new(event, NULL);
    g_assert_nonnull(http);
    g_test_add_func("/http/a-paused-block-comes-again", test_a_paused_block_comes_again);
    g_test_add_func("/http/nothing-follows-a-block-that-is-refused",
                    test_nothing_follows_a_block_that_is_refused);
    return g_test_run();
}
