/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Decides whether a call may query a registry, and with which credentials. There is no state. Most
 * rules check only the reference and would grant the use of the service's credentials along with
 * it, without regard to them. So polkit is asked twice: with credentials=service, and with a value
 * that has no meaning. A rule that grants both has not looked at the credentials, and its answer is
 * ignored; so is an authorization that polkit has cached, for the same reason. Users are never
 * asked to authenticate for the service's credentials. See remote-check.h.
 */

#include "bus/remote-check.h"

#include "remotes/remote-session.h"

#include <stdarg.h>
#include <string.h>

#define OWN "service"
#define ANY "any"

/* Copies the details and adds credentials and insecure. If reference is not NULL, it replaces the
 * one in the details. The strings are not copied. */
static GPtrArray *copy_details(const GPtrArray *details, const char *reference,
                               const char *credentials, bool insecure) {
    GPtrArray *copy = g_ptr_array_new();

    for (guint i = 0; i + 1 < details->len; i += 2) {
        bool replaced = reference && g_str_equal(details->pdata[i], "reference");
        g_ptr_array_add(copy, details->pdata[i]);
        g_ptr_array_add(copy, replaced ? (char *)reference : details->pdata[i + 1]);
    }
    g_ptr_array_add(copy, (char *)"credentials");
    g_ptr_array_add(copy, (char *)credentials);
    g_ptr_array_add(copy, (char *)"insecure");
    g_ptr_array_add(copy, insecure ? (char *)"yes" : NULL);
    g_ptr_array_add(copy, NULL);
    return copy;
}

/* Returns one list with the reference as given and, if it has a suffix, one with the name that it
 * refers to: a name ends before "?". Rules must grant both, so that a suffix cannot get around
 * them. */
static GPtrArray *list_questions(const GPtrArray *details, const char *name,
                                 const char *credentials, bool insecure) {
    GPtrArray *lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    g_ptr_array_add(lists, copy_details(details, NULL, credentials, insecure));
    if (name)
        g_ptr_array_add(lists, copy_details(details, name, credentials, insecure));
    return lists;
}

/* Whether all lists are granted without interaction. */
static int query_all(BerthAccess *access, sd_bus_message *call, const char *check,
                     const GPtrArray *lists, bool *granted) {
    int r = BERTH_ACCESS_GRANTED;

    *granted = true;
    for (guint i = 0; r == BERTH_ACCESS_GRANTED && *granted && i < lists->len; i++)
        r = berth_access_query_details(access, call, granted, check, lists->pdata[i]);
    return r;
}

/* The two questions differ only in the value of "credentials": only a rule that answers them
 * differently has decided on the credentials. */
static int check_own_credentials(BerthService *service, sd_bus_message *call, const char *check,
                                 const GPtrArray *details, const char *name, bool *own) {
    g_autoptr(GPtrArray) with = list_questions(details, name, OWN, false);
    g_autoptr(GPtrArray) without = list_questions(details, name, ANY, false);
    bool granted = false, blind = false;
    int r = query_all(service->access, call, check, with, &granted);

    if (r == BERTH_ACCESS_GRANTED && granted)
        r = query_all(service->access, call, check, without, &blind);
    *own = granted && !blind;
    return r;
}

/* The service's credentials are not used together with those of the caller, nor with the option
 * Insecure. */
static bool may_have_own(BerthService *service, const BerthRemoteQuestion *question) {
    bool has_others = question->credentials && question->credentials[0];

    return !question->insecure && !has_others &&
           berth_remotes_has_own(service->remotes, question->reference);
}

static int check_details(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                         const char *check, const BerthRemoteQuestion *question,
                         const GPtrArray *details, bool *own) {
    size_t length = strcspn(question->reference, "?");
    g_autofree char *name =
        question->reference[length] ? g_strndup(question->reference, length) : NULL;
    uint32_t uid;
    int r = berth_access_get_uid(service->access, call, &uid);

    *own = false;
    if (r == BERTH_ACCESS_GRANTED && uid != 0 && may_have_own(service, question))
        r = check_own_credentials(service, call, check, details, name, own);
    /* A rule that grants the operation with the service's credentials has granted the operation
     * itself. */
    if (r != BERTH_ACCESS_GRANTED || *own)
        return r;
    *own = uid == 0 && !question->insecure;
    g_autoptr(GPtrArray) lists = list_questions(details, name, NULL, question->insecure);
    return berth_access_check_many(service->access, call, error, check, lists);
}

int berth_remote_check(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                       const char *check, const BerthRemoteQuestion *question, bool *own, ...) {
    g_autoptr(GPtrArray) details = g_ptr_array_new();
    va_list arguments;

    va_start(arguments, own);
    for (char *key; (key = va_arg(arguments, char *));) {
        g_ptr_array_add(details, key);
        g_ptr_array_add(details, va_arg(arguments, char *));
    }
    va_end(arguments);
    return check_details(service, call, error, check, question, details, own);
}
