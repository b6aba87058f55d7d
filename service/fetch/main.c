/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-fetch: everything that touches the network. It resolves references and puts the bytes of
 * objects into pipes; it holds no file and is believed in nothing: what it fetches is hashed by
 * others, against digests that they know.
 */

#include "base/digest.h"
#include "base/fd.h"
#include "config.h"
#include "fetch/fetcher.h"
#include "fetch/resolver.h"
#include "frame/frame.h"

#include <curl/curl.h>
#include <stdlib.h>

typedef struct {
    BerthHttp *http;
    GHashTable *remotes; /* locator → BerthRemote, which keeps its token */
} Fetcher;

typedef struct {
    sd_bus_message *call;
    char *name; /* NULL when only the descriptor is asked for */
} Question;

static BerthRemote *find_remote(Fetcher *fetcher, const BerthReference *reference, bool insecure) {
    g_autofree char *key = g_strconcat(insecure ? "!" : "", reference->locator, NULL);
    BerthRemote *remote = g_hash_table_lookup(fetcher->remotes, key);

    if (!remote) {
        remote = berth_remote_new(berth_frame_get_event(berth_frame_get()), fetcher->http,
                                  reference, insecure);
        g_hash_table_insert(fetcher->remotes, g_steal_pointer(&key), remote);
    }
    return remote;
}

static void on_resolved(const BerthDescriptor *target, const GError *error, void *userdata) {
    Question *question = userdata;
    g_autoptr(sd_bus_message) reply = NULL;
    int r;

    if (error) {
        r = berth_bus_reply_error(question->call, error);
    } else {
        r = sd_bus_message_new_method_return(question->call, &reply);
        if (r >= 0 && question->name)
            r = sd_bus_message_append(reply, "s", question->name);
        if (r >= 0)
            r = berth_bus_append_descriptor(reply, target);
        if (r >= 0)
            r = sd_bus_send(NULL, reply, NULL);
    }
    if (r < 0)
        exit(EXIT_FAILURE);
    sd_bus_message_unref(question->call);
    g_free(question->name);
    g_free(question);
}

static Question *new_question(sd_bus_message *call) {
    Question *question = g_new0(Question, 1);

    question->call = sd_bus_message_ref(call);
    return question;
}

static int method_resolve(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_autoptr(GError) error = NULL;
    const char *text;
    int insecure;
    int r = sd_bus_message_read(call, "sb", &text, &insecure);

    if (r < 0)
        return r;
    g_autoptr(BerthReference) reference = berth_reference_parse(text, &error);
    const char *object = reference ? berth_resolve_get_object(reference, &error) : NULL;
    if (!object)
        return berth_bus_error_set(ret_error, error);
    Question *question = new_question(call);
    question->name = berth_reference_format(reference);
    berth_resolve(find_remote(fetcher, reference, insecure), object, NULL, on_resolved, question);
    return 1;
}

/* The repository of a reference whose own object does not matter and may be missing. */
static BerthReference *parse_repository(const char *text, const char *object, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthReference) reference = berth_reference_parse(text, &local);

    if (reference)
        return g_steal_pointer(&reference);
    g_autofree char *whole =
        g_strconcat(text, berth_digest_is_valid(object) ? "@" : ":", object, NULL);
    return berth_reference_parse(object[0] ? whole : text, error);
}

static int method_object(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) media_types = NULL;
    const char *text, *object;
    int insecure, r;

    if ((r = sd_bus_message_read(call, "ss", &text, &object)) < 0 ||
        (r = sd_bus_message_read_strv(call, &media_types)) < 0 ||
        (r = sd_bus_message_read(call, "b", &insecure)) < 0)
        return r;
    g_autoptr(BerthReference) reference = parse_repository(text, object, &error);
    if (!reference)
        return berth_bus_error_set(ret_error, error);
    if (object[0] == '\0')
        object = berth_resolve_get_object(reference, &error);
    /* Not a digest: it must be what a reference may hold, since it becomes a part of the URL. */
    if (object && !berth_digest_is_valid(object)) {
        g_autofree char *whole = g_strconcat(reference->locator, ":", object, NULL);
        g_autoptr(BerthReference) checked = berth_reference_parse(whole, &error);
        if (checked && checked->digest[0])
            berth_resolve_get_object(checked, &error);
    }
    if (error)
        return berth_bus_error_set(ret_error, error);
    berth_resolve(find_remote(fetcher, reference, insecure), object, media_types, on_resolved,
                  new_question(call));
    return 1;
}

static void on_fetched(uint64_t size, const GError *error, void *userdata) {
    g_autoptr(sd_bus_message) call = userdata;
    int r =
        error ? berth_bus_reply_error(call, error) : sd_bus_reply_method_return(call, "t", size);

    if (r < 0)
        exit(EXIT_FAILURE);
}

static int method_fetch(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    Fetcher *fetcher = userdata;
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthDescriptor) target = NULL;
    const char *text;
    uint64_t offset;
    int insecure, r;

    if ((r = sd_bus_message_read(call, "s", &text)) < 0 ||
        (r = berth_bus_read_descriptor(call, &target)) < 0 ||
        (r = sd_bus_message_read(call, "tb", &offset, &insecure)) < 0)
        return r;
    g_autoptr(BerthReference) reference = parse_repository(text, target->digest, &error);
    if (!reference)
        return berth_bus_error_set(ret_error, error);
    int pipe = berth_frame_read_fd(call);
    if (pipe < 0)
        return pipe;
    berth_fetch(berth_frame_get_event(berth_frame_get()), find_remote(fetcher, reference, insecure),
                target, offset, pipe, on_fetched, sd_bus_message_ref(call));
    return 1;
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    /* reference, insecure → name, descriptor */
    SD_BUS_METHOD("Resolve", "sb", "s(sst)", method_resolve, 0),
    /* reference, object or "", media types, insecure → descriptor */
    SD_BUS_METHOD("Object", "ssasb", "(sst)", method_object, 0),
    /* reference, descriptor, offset, insecure, pipe → size */
    SD_BUS_METHOD("Fetch", "s(sst)tbh", "t", method_fetch, 0),
    SD_BUS_VTABLE_END,
};

static bool prepare(BerthFrame *frame, void *userdata, GError **error) {
    Fetcher *fetcher = userdata;

    fetcher->http = berth_http_new(berth_frame_get_event(frame), error);
    return fetcher->http != NULL;
}

int main(void) {
    static const char *const calls[] = {
        "access",     "bind",  "connect",  "faccessat",  "faccessat2", "getdents64", "getpeername",
        "getrlimit",  "ioctl", "readlink", "readlinkat", "recvmmsg",   "sendmmsg",   "socket",
        "socketpair", "stat",  "statfs",   "statx",      NULL,
    };
    const BerthBox box = {
        .user = BERTH_USER,
        .network = true,
        .files = BERTH_FILES_READ_SYSTEM,
        .calls = calls,
    };
    Fetcher fetcher = {
        .remotes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                         (GDestroyNotify)berth_remote_free),
    };

    g_set_prgname("berth-fetch");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return EXIT_FAILURE;
    return berth_frame_run(&box, vtable, prepare, &fetcher);
}
