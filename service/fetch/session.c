/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The one reference that a berth-fetch serves. A session is new, open (it has endpoints and a
 * remote for each of them), and then configured with their credentials; it belongs to main() and
 * lasts as long as the process. Credentials are supplied only after Open has told berthd which
 * registries the reference concerns, and each is only used for its own registry.
 */

#include "fetch/session.h"

#include "base/bus-error.h"
#include "base/credentials.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/worker-members.h"
#include "fetch/resolver.h"

#include <errno.h>

/* The registry itself comes after its mirrors. */
BerthRemote *berth_fetch_session_get_origin(BerthFetchSession *session) {
    return session->remotes->pdata[session->remotes->len - 1];
}

static bool is_of_digest(const GString *body, const char *digest) {
    BerthAlgorithm algorithm;

    if (!berth_digest_parse(digest, &algorithm, NULL))
        return false;
    g_autofree char *own = berth_hash_data(algorithm, body->str, body->len);
    return g_str_equal(own, digest);
}

static void session_forget(BerthFetchSession *session) {
    g_clear_pointer(&session->kept_digest, g_free);
    g_clear_pointer(&session->kept, g_bytes_unref);
}

void berth_fetch_session_keep(BerthFetchSession *session, const BerthDescriptor *target,
                              const GString *body) {
    session_forget(session);
    if (!is_of_digest(body, target->digest))
        return;
    session->kept_digest = g_strdup(target->digest);
    session->kept = g_bytes_new(body->str, body->len);
}

/* What does not fit into the pipe is requested from the registry, like the rest of a fetch that has
 * been interrupted. */
uint64_t berth_fetch_session_pass_on(BerthFetchSession *session, const BerthDescriptor *target,
                                     uint64_t offset, int pipe) {
    gsize size;

    if (g_strcmp0(session->kept_digest, target->digest) != 0)
        return offset;
    const char *data = g_bytes_get_data(session->kept, &size);
    ssize_t written =
        size == target->size && offset < size ? write(pipe, data + offset, size - offset) : 0;
    session_forget(session);
    return written > 0 ? offset + (uint64_t)written : offset;
}

bool berth_fetch_session_check_open(BerthFetchSession *session, sd_bus_error *error) {
    if (session->remotes)
        return true;
    sd_bus_error_set(error, BERTH_ERROR_PREFIX "FailedPrecondition", "no reference was opened");
    return false;
}

/* Parses a reference of which only the repository matters, since the caller names the object
 * separately; it may lack an object itself. */
static BerthReference *parse_repository(const char *text, const char *object, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthReference) reference = berth_reference_parse(text, &local);

    if (reference)
        return g_steal_pointer(&reference);
    g_autofree char *whole =
        g_strconcat(text, berth_digest_is_valid(object) ? "@" : ":", object, NULL);
    return berth_reference_parse(object[0] ? whole : text, error);
}

/* An object that the caller names separately becomes part of a URL, so it is checked as strictly as
 * one in a reference. */
static bool check_object_of(const BerthReference *reference, const char *object, GError **error) {
    if (berth_digest_is_valid(object))
        return true;
    g_autofree char *whole = g_strconcat(reference->locator, ":", object, NULL);
    g_autoptr(BerthReference) checked = berth_reference_parse(whole, error);
    return checked && (!checked->digest[0] || berth_resolve_get_object(checked, error));
}

bool berth_fetch_session_check_object(const BerthFetchSession *session, const char *object,
                                      GError **error) {
    return check_object_of(session->reference, object, error);
}

static void free_rule(gpointer data) {
    berth_registry_rule_free(data);
}

/* Reads what berth.conf says about registries. The worker reads no configuration itself. */
static int read_rules(sd_bus_message *call, GPtrArray *rules) {
    const char *host, *location;
    int r = sd_bus_message_enter_container(call, 'a', "(sassbb)");

    while (r >= 0 && (r = sd_bus_message_enter_container(call, 'r', "sassbb")) > 0) {
        BerthRegistryRule *rule = g_new0(BerthRegistryRule, 1);
        g_ptr_array_add(rules, rule);
        if ((r = sd_bus_message_read(call, "s", &host)) < 0 ||
            (r = sd_bus_message_read_strv(call, &rule->mirrors)) < 0 ||
            (r = sd_bus_message_read(call, "sbb", &location, &rule->insecure, &rule->blocked)) <
                0 ||
            (r = sd_bus_message_exit_container(call)) < 0)
            return r;
        rule->host = g_strdup(host);
        rule->location = g_strdup(location);
    }
    return r < 0 ? r : sd_bus_message_exit_container(call);
}

/* The session is changed only after everything has been validated, so that Open can be called again
 * after an error. */
static bool open_reference(BerthFetchSession *session, const char *text, const char *object,
                           bool insecure, GPtrArray *rules, GError **error) {
    g_autoptr(BerthReference) reference = parse_repository(text, object, error);

    if (!reference || (object[0] && !check_object_of(reference, object, error)))
        return false;
    if (!object[0] && !(object = berth_resolve_get_object(reference, error)))
        return false;
    session->endpoints = berth_endpoints_find(reference, insecure, rules, error);
    if (!session->endpoints)
        return false;
    session->object = g_strdup(object);
    session->name = berth_reference_format(reference);
    session->remotes = g_ptr_array_new();
    for (guint i = 0; i < session->endpoints->len; i++)
        g_ptr_array_add(session->remotes, berth_remote_new(session->event, session->http,
                                                           session->endpoints->pdata[i]));
    session->reference = g_steal_pointer(&reference);
    return true;
}

int berth_fetch_session_open(BerthFetchSession *session, sd_bus_message *call,
                             sd_bus_error *ret_error) {
    g_autoptr(GPtrArray) rules = g_ptr_array_new_with_free_func(free_rule);
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GError) error = NULL;
    const char *text, *object;
    int insecure, r;

    if ((r = sd_bus_message_read(call, "ssb", &text, &object, &insecure)) < 0 ||
        (r = read_rules(call, rules)) < 0)
        return r;
    if (session->remotes)
        return sd_bus_error_set(ret_error, BERTH_ERROR_PREFIX "Busy",
                                "a worker accepts only "
                                "one reference");
    if (!open_reference(session, text, object, insecure, rules, &error))
        return berth_bus_error_set(ret_error, error);
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 ||
        (r = sd_bus_message_append(reply, "ss", session->reference->locator, session->name)) < 0 ||
        (r = sd_bus_message_open_container(reply, 'a', "s")) < 0)
        return r;
    for (guint i = 0; r >= 0 && i < session->endpoints->len; i++)
        r = sd_bus_message_append(reply, "s",
                                  ((const BerthEndpoint *)session->endpoints->pdata[i])->locator);
    if (r < 0 || (r = sd_bus_message_close_container(reply)) < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

/* libcurl takes PEM files by path only, so path names a descriptor. It is a memfd that berthd has
 * filled, and stays open as long as the process. */
static int read_session_file(sd_bus_message *call, char **path) {
    int fd;
    int r = sd_bus_message_read(call, "v", "h", &fd);

    if (r < 0)
        return r;
    fd = fcntl(fd, F_DUPFD_CLOEXEC, BERTH_WORKER_DIRECTORY_FD + 1);
    if (fd < 0)
        return -errno;
    *path = g_strdup_printf("/proc/self/fd/%d", fd);
    return 1;
}

/* The file is read once; the message, which has the only descriptor of it, is freed with the call.
 */
static int read_credentials(sd_bus_message *call, BerthCredentials **credentials,
                            sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    int fd;
    int r = sd_bus_message_read(call, "v", "h", &fd);

    if (r < 0)
        return r;
    *credentials = berth_credentials_read_file(fd, &error);
    return error ? berth_bus_error_set(ret_error, error) : 1;
}

static int read_identity(sd_bus_message *call, BerthRemote *remote, sd_bus_error *ret_error) {
    g_autoptr(BerthCredentials) credentials = NULL;
    BerthTls tls = {0};
    const char *key;
    int r = sd_bus_message_enter_container(call, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
        if ((r = sd_bus_message_read(call, "s", &key)) < 0)
            return r;
        if (g_str_equal(key, "Authorities"))
            r = read_session_file(call, &tls.authorities);
        else if (g_str_equal(key, "Certificate"))
            r = read_session_file(call, &tls.certificate);
        else if (g_str_equal(key, "Key"))
            r = read_session_file(call, &tls.key);
        else if (g_str_equal(key, "Credentials"))
            r = read_credentials(call, &credentials, ret_error);
        else
            r = -EINVAL;
        if (r < 0 || (r = sd_bus_message_exit_container(call)) < 0)
            return r;
    }
    berth_remote_set_identity(remote, g_steal_pointer(&credentials), &tls);
    return r < 0 ? r : sd_bus_message_exit_container(call);
}

/* The identities are in the order of the locators in the reply to Open, which berthd has checked.
 */
int berth_fetch_session_configure(BerthFetchSession *session, sd_bus_message *call,
                                  sd_bus_error *ret_error) {
    BerthHttpLimits limits = {0};
    const char *proxy, *no_proxy;
    int r;

    if (!berth_fetch_session_check_open(session, ret_error))
        return -EINVAL;
    if ((r = sd_bus_message_enter_container(call, 'a', "a{sv}")) < 0)
        return r;
    for (guint i = 0; i < session->remotes->len; i++)
        if ((r = read_identity(call, session->remotes->pdata[i], ret_error)) < 0)
            return r;
    if ((r = sd_bus_message_exit_container(call)) < 0 ||
        (r = sd_bus_message_read(call, "tuuss", &limits.bytes_per_second, &limits.connect_timeout,
                                 &limits.stall_timeout, &proxy, &no_proxy)) < 0)
        return r;
    limits.proxy = proxy[0] ? g_strdup(proxy) : NULL;
    limits.no_proxy = no_proxy[0] ? g_strdup(no_proxy) : NULL;
    berth_http_set_limits(session->http, &limits);
    return sd_bus_reply_method_return(call, NULL);
}
