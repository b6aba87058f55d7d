/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-fetch: everything that touches the network. One process serves one reference: Open parses
 * it and names the registries that it concerns, Configure brings their credentials and
 * certificates, and then references are resolved and the bytes of objects put into pipes, or pushed
 * from descriptors. It writes no file and nothing that it says is trusted: what it fetches is
 * hashed by other processes, against digests that they know.
 */

#include "base/digest.h"
#include "base/fd.h"
#include "fetch/fetcher.h"
#include "fetch/pusher.h"
#include "fetch/resolver.h"
#include "fetch/sampler.h"
#include "frame/frame.h"

#include <curl/curl.h>
#include <stdlib.h>

typedef struct {
    BerthHttp *http;
    char *name, *object;
    BerthReference *reference;
    GPtrArray *endpoints; /* of BerthEndpoint; NULL before Open */
    GPtrArray *remotes;   /* of BerthRemote, in the same order */
} Fetcher;

static sd_event *get_event(void) {
    return berth_frame_get_event(berth_frame_get());
}

/* The registry itself; mirrors come before it. */
static BerthRemote *get_origin(Fetcher *fetcher) {
    return fetcher->remotes->pdata[fetcher->remotes->len - 1];
}

static bool check_open(Fetcher *fetcher, sd_bus_error *error) {
    if (fetcher->remotes)
        return true;
    sd_bus_error_set(error, BERTH_ERROR_PREFIX "FailedPrecondition", "no reference was opened");
    return false;
}

/* Parses a reference of which only the repository matters, since the caller names the object
 * separately; its own object may be missing. */
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
static bool check_object(const BerthReference *reference, const char *object, GError **error) {
    if (berth_digest_is_valid(object))
        return true;
    g_autofree char *whole = g_strconcat(reference->locator, ":", object, NULL);
    g_autoptr(BerthReference) checked = berth_reference_parse(whole, error);
    return checked && (!checked->digest[0] || berth_resolve_get_object(checked, error));
}

static void free_rule(gpointer data) {
    berth_registry_rule_free(data);
}

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

static bool open_reference(Fetcher *fetcher, const char *text, const char *object, bool insecure,
                           GPtrArray *rules, GError **error) {
    g_autoptr(BerthReference) reference = parse_repository(text, object, error);

    if (!reference || (object[0] && !check_object(reference, object, error)))
        return false;
    if (!object[0] && !(object = berth_resolve_get_object(reference, error)))
        return false;
    fetcher->endpoints = berth_endpoints_find(reference, insecure, rules, error);
    if (!fetcher->endpoints)
        return false;
    fetcher->object = g_strdup(object);
    fetcher->name = berth_reference_format(reference);
    fetcher->remotes = g_ptr_array_new();
    for (guint i = 0; i < fetcher->endpoints->len; i++)
        g_ptr_array_add(fetcher->remotes,
                        berth_remote_new(get_event(), fetcher->http, fetcher->endpoints->pdata[i]));
    fetcher->reference = g_steal_pointer(&reference);
    return true;
}

static int method_open(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_autoptr(GPtrArray) rules = g_ptr_array_new_with_free_func(free_rule);
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GError) error = NULL;
    const char *text, *object;
    int insecure, r;

    if ((r = sd_bus_message_read(call, "ssb", &text, &object, &insecure)) < 0 ||
        (r = read_rules(call, rules)) < 0)
        return r;
    if (fetcher->remotes)
        return sd_bus_error_set(ret_error, BERTH_ERROR_PREFIX "Busy", "a worker has one reference");
    if (!open_reference(fetcher, text, object, insecure, rules, &error))
        return berth_bus_error_set(ret_error, error);
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 ||
        (r = sd_bus_message_append(reply, "ss", fetcher->reference->locator, fetcher->name)) < 0 ||
        (r = sd_bus_message_open_container(reply, 'a', "s")) < 0)
        return r;
    for (guint i = 0; r >= 0 && i < fetcher->endpoints->len; i++)
        r = sd_bus_message_append(reply, "s",
                                  ((const BerthEndpoint *)fetcher->endpoints->pdata[i])->locator);
    if (r < 0 || (r = sd_bus_message_close_container(reply)) < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

/* libcurl takes PEM by path only, so path names a descriptor. The descriptor is a file in memory
 * that berthd has filled, and stays open as long as the process. */
static int read_file(sd_bus_message *call, char **path) {
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

static int read_identity(sd_bus_message *call, BerthRemote *remote, sd_bus_error *ret_error) {
    g_autoptr(GPtrArray) pairs = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    BerthTls tls = {0};
    const char *key, *value;
    int r = sd_bus_message_enter_container(call, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
        if ((r = sd_bus_message_read(call, "s", &key)) < 0)
            return r;
        if (g_str_equal(key, "Authorities"))
            r = read_file(call, &tls.authorities);
        else if (g_str_equal(key, "Certificate"))
            r = read_file(call, &tls.certificate);
        else if (g_str_equal(key, "Key"))
            r = read_file(call, &tls.key);
        else if ((r = sd_bus_message_read(call, "v", "s", &value)) >= 0) {
            g_ptr_array_add(pairs, (char *)key);
            g_ptr_array_add(pairs, (char *)value);
        }
        if (r < 0 || (r = sd_bus_message_exit_container(call)) < 0)
            return r;
    }
    g_ptr_array_add(pairs, NULL);
    BerthCredentials *credentials = berth_credentials_read_pairs((char **)pairs->pdata, &error);
    if (error)
        return berth_bus_error_set(ret_error, error);
    berth_remote_set_identity(remote, credentials, &tls);
    return r < 0 ? r : sd_bus_message_exit_container(call);
}

static int method_configure(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    BerthHttpLimits limits = {0};
    const char *proxy, *no_proxy;
    int r;

    if (!check_open(fetcher, ret_error))
        return -EINVAL;
    if ((r = sd_bus_message_enter_container(call, 'a', "a{sv}")) < 0)
        return r;
    for (guint i = 0; i < fetcher->remotes->len; i++)
        if ((r = read_identity(call, fetcher->remotes->pdata[i], ret_error)) < 0)
            return r;
    if ((r = sd_bus_message_exit_container(call)) < 0 ||
        (r = sd_bus_message_read(call, "tuuss", &limits.bytes_per_second, &limits.connect_timeout,
                                 &limits.stall_timeout, &proxy, &no_proxy)) < 0)
        return r;
    limits.proxy = proxy[0] ? g_strdup(proxy) : NULL;
    limits.no_proxy = no_proxy[0] ? g_strdup(no_proxy) : NULL;
    berth_http_set_limits(fetcher->http, &limits);
    return sd_bus_reply_method_return(call, NULL);
}

typedef struct {
    Fetcher *fetcher;
    sd_bus_message *call;
} Question;

static Question *new_question(Fetcher *fetcher, sd_bus_message *call) {
    Question *question = g_new0(Question, 1);

    *question = (Question){fetcher, sd_bus_message_ref(call)};
    return question;
}

/* Ends the process if a reply cannot be made or sent: berthd waits for it without a timeout. */
static void check_answered(int r) {
    if (r < 0)
        exit(EXIT_FAILURE);
}

/* Answers with error or, without one, with reply, and frees the question. */
static void answer_question(Question *question, const GError *error, sd_bus_message *reply) {
    check_answered(error ? berth_bus_reply_error(question->call, error)
                         : sd_bus_send(NULL, reply, NULL));
    sd_bus_message_unref(question->call);
    g_free(question);
}

/* A reply to fill; NULL if the answer is an error. */
static sd_bus_message *new_reply(Question *question, const GError *error) {
    sd_bus_message *reply = NULL;

    if (!error)
        check_answered(sd_bus_message_new_method_return(question->call, &reply));
    return reply;
}

static int append_warnings(sd_bus_message *reply, Fetcher *fetcher) {
    int r = sd_bus_message_open_container(reply, 'a', "s");

    for (guint i = 0; r >= 0 && i < fetcher->remotes->len; i++) {
        g_auto(GStrv) lines =
            g_strsplit(berth_remote_get_warnings(fetcher->remotes->pdata[i]), "\n", -1);
        for (char **line = lines; r >= 0 && *line; line++)
            if ((*line)[0])
                r = sd_bus_message_append(reply, "s", *line);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void answer_resolve(const BerthDescriptor *target, const GError *error, void *userdata) {
    Question *question = userdata;
    g_autoptr(sd_bus_message) reply = new_reply(question, error);
    int r = 0;

    if (reply && (r = sd_bus_message_append(reply, "s", question->fetcher->name)) >= 0 &&
        (r = berth_bus_append_descriptor(reply, target)) >= 0)
        r = append_warnings(reply, question->fetcher);
    check_answered(r);
    answer_question(question, error, reply);
}

static int method_resolve(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_auto(GStrv) media_types = NULL;
    int with_get, r = sd_bus_message_read_strv(call, &media_types);

    if (r < 0 || (r = sd_bus_message_read(call, "b", &with_get)) < 0)
        return r;
    if (!check_open(fetcher, ret_error))
        return -EINVAL;
    berth_resolve(fetcher->remotes, fetcher->object, media_types, with_get, answer_resolve,
                  new_question(fetcher, call));
    return 1;
}

/* Another object of the same repository: what belongs to an image beside itself. */
static void answer_resolve_object(const BerthDescriptor *target, const GError *error,
                                  void *userdata) {
    Question *question = userdata;
    g_autoptr(sd_bus_message) reply = new_reply(question, error);

    if (reply)
        check_answered(berth_bus_append_descriptor(reply, target));
    answer_question(question, error, reply);
}

static int method_resolve_object(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_autoptr(GError) error = NULL;
    const char *object;
    int r = sd_bus_message_read(call, "s", &object);

    if (r < 0)
        return r;
    if (!check_open(fetcher, ret_error))
        return -EINVAL;
    if (!check_object(fetcher->reference, object, &error))
        return berth_bus_error_set(ret_error, error);
    berth_resolve(fetcher->remotes, object, NULL, false, answer_resolve_object,
                  new_question(fetcher, call));
    return 1;
}

typedef struct {
    Question *question;
    int output;
} Referrers;

static void answer_referrers(const BerthResponse *response, const GError *error, void *userdata) {
    Referrers *referrers = userdata;
    Question *question = referrers->question;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local && response->status != 200)
        berth_remote_set_status_error(get_origin(question->fetcher), "referrers", response, &local);
    if (!local && !berth_fd_write_all(referrers->output, response->body->str, response->body->len))
        berth_error_set_errno(&local, errno, "pass the referrers on");
    g_autoptr(sd_bus_message) reply = new_reply(question, local);
    answer_question(question, local, reply);
    berth_fd_clear(&referrers->output);
    g_free(referrers);
}

static int method_referrers(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_autoptr(GError) error = NULL;
    const char *digest;
    int r = sd_bus_message_read(call, "s", &digest);

    if (r < 0)
        return r;
    if (!check_open(fetcher, ret_error))
        return -EINVAL;
    if (!berth_digest_parse(digest, NULL, &error))
        return berth_bus_error_set(ret_error, error);
    int output = berth_frame_read_fd(call);
    if (output < 0)
        return output;
    Referrers *referrers = g_new0(Referrers, 1);
    *referrers = (Referrers){new_question(fetcher, call), output};
    g_autofree char *path = g_strconcat("referrers/", digest, NULL);
    berth_remote_send(
        get_origin(fetcher), path, NULL,
        &(BerthHttpOptions){.method = "GET", .accept = "application/vnd.oci.image.index.v1+json"},
        answer_referrers, referrers);
    return 1;
}

static void answer_fetch(uint64_t size, const GError *error, void *userdata) {
    Question *question = userdata;
    g_autoptr(sd_bus_message) reply = new_reply(question, error);

    if (reply)
        check_answered(sd_bus_message_append(reply, "t", size));
    answer_question(question, error, reply);
}

static int method_fetch(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_autoptr(BerthDescriptor) target = NULL;
    uint64_t offset;
    int r;

    if (!check_open(fetcher, ret_error))
        return -EINVAL;
    if ((r = berth_bus_read_descriptor(call, &target)) < 0 ||
        (r = sd_bus_message_read(call, "t", &offset)) < 0)
        return r;
    int pipe = berth_frame_read_fd(call);
    if (pipe < 0)
        return pipe;
    berth_fetch(get_event(), fetcher->remotes, target, offset, pipe, answer_fetch,
                new_question(fetcher, call));
    return 1;
}

static void answer_sample(const char *data, size_t size, const GError *error, void *userdata) {
    Question *question = userdata;
    g_autoptr(sd_bus_message) reply = new_reply(question, error);

    if (reply)
        check_answered(sd_bus_message_append_array(reply, 'y', data, size));
    answer_question(question, error, reply);
}

static int method_sample(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_autoptr(GError) error = NULL;
    const char *digest;
    uint64_t offset;
    uint32_t length;
    int r = sd_bus_message_read(call, "stu", &digest, &offset, &length);

    if (r < 0)
        return r;
    if (!check_open(fetcher, ret_error))
        return -EINVAL;
    if (!berth_digest_parse(digest, NULL, &error))
        return berth_bus_error_set(ret_error, error);
    if (length == 0 || length > BERTH_SAMPLE_MAX_BYTES)
        return -EINVAL;
    berth_sample(fetcher->remotes, digest, offset, length, answer_sample,
                 new_question(fetcher, call));
    return 1;
}

static void answer_push(BerthPushOutcome outcome, const GError *error, void *userdata) {
    static const char *const words[] = {"pushed", "exists", "mounted"};
    Question *question = userdata;
    g_autoptr(sd_bus_message) reply = new_reply(question, error);

    if (reply)
        check_answered(sd_bus_message_append(reply, "s", words[outcome]));
    answer_question(question, error, reply);
}

static int method_push_blob(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_autoptr(BerthDescriptor) target = NULL;
    g_auto(GStrv) sources = NULL;
    int r;

    if (!check_open(fetcher, ret_error))
        return -EINVAL;
    if ((r = berth_bus_read_descriptor(call, &target)) < 0 ||
        (r = sd_bus_message_read_strv(call, &sources)) < 0)
        return r;
    int content = berth_frame_read_fd(call);
    if (content < 0)
        return content;
    berth_push_blob(get_event(), get_origin(fetcher), target, content, sources, answer_push,
                    new_question(fetcher, call));
    return 1;
}

/* With named, the manifest is pushed under the tag of the reference if that has one, otherwise
 * under its digest. */
static int method_push_manifest(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_autoptr(BerthDescriptor) target = NULL;
    int named, r;

    if (!check_open(fetcher, ret_error))
        return -EINVAL;
    if ((r = berth_bus_read_descriptor(call, &target)) < 0 ||
        (r = sd_bus_message_read(call, "b", &named)) < 0)
        return r;
    const char *object =
        named && fetcher->reference->tag[0] ? fetcher->reference->tag : target->digest;
    /* A reference with a digest can name this content only. */
    if (named && fetcher->reference->digest[0] &&
        !g_str_equal(fetcher->reference->digest, target->digest))
        return sd_bus_error_setf(ret_error, BERTH_ERROR_PREFIX "DigestMismatch",
                                 "%s: what is pushed has the digest %s", fetcher->name,
                                 target->digest);
    int content = berth_frame_read_fd(call);
    if (content < 0)
        return content;
    berth_push_manifest(get_origin(fetcher), target, object, content, answer_push,
                        new_question(fetcher, call));
    return 1;
}

/* GET /v2/ tells whether the registry takes the credentials: a registry that uses any asks for them
 * there. */
static void answer_authenticate(const BerthResponse *response, const GError *error,
                                void *userdata) {
    Question *question = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!error && response->status != 200)
        berth_remote_set_status_error(get_origin(question->fetcher), "/v2/", response, &local);
    g_autoptr(sd_bus_message) reply = new_reply(question, local);
    answer_question(question, local, reply);
}

static int method_authenticate(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;

    if (!check_open(fetcher, ret_error))
        return -EINVAL;
    berth_remote_send(get_origin(fetcher), "/", NULL, &(BerthHttpOptions){.method = "GET"},
                      answer_authenticate, new_question(fetcher, call));
    return 1;
}

static const sd_bus_vtable vtable[] = BERTH_FRAME_VTABLE(BERTH_FETCH_MEMBERS);

static bool prepare_http(BerthFrame *frame, void *userdata, GError **error) {
    Fetcher *fetcher = userdata;

    fetcher->http = berth_http_new(berth_frame_get_event(frame), error);
    return fetcher->http != NULL;
}

int main(void) {
    Fetcher fetcher = {0};

    g_set_prgname("berth-fetch");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return EXIT_FAILURE;
    return berth_frame_run(berth_box_find("fetch"), vtable, prepare_http, &fetcher);
}
