/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A configuration supplied by the caller, as Create takes it, and a process in it, as Exec does: it
 * must not be able to use Berth's own annotations, and the result of Exec is a valid configuration.
 */

#include "base/document.h"
#include "containers/spec/spec.h"
#include "fuzz.h"
#include "plan/plan.h"

#include <string.h>

static void check_annotations(const char *text) {
    g_autoptr(json_object) config = berth_document_parse(text, strlen(text), NULL);
    json_object *annotations = NULL;
    const char *layers = NULL;

    g_assert_nonnull(config);
    g_assert_true(berth_document_get_object(config, "annotations", &annotations, NULL));
    g_assert_true(berth_document_get_string(annotations, "org.berth1.layers", &layers, NULL));
    g_assert_cmpstr(layers, ==, "top:bottom");
    g_assert_false(json_object_object_get_ex(annotations, "org.berth1.root", NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char whole[] = "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"true\"],"
                                "\"cwd\":\"/\"},\"root\":{\"path\":\"r\"}}";
    g_autofree char *text = g_strndup((const char *)data, size);
    char *chain[] = {(char *)"top", (char *)"bottom", NULL};
    char *environment[] = {(char *)"A=1", NULL};

    const BerthSpecCompletion completion = {.chain = chain};
    g_autofree char *completed = berth_spec_complete(text, &completion, NULL);
    if (completed)
        check_annotations(completed);
    const BerthExecOptions options = {.process = "p", .spec = text, .environment = environment};
    g_autoptr(BerthPlan) plan = berth_spec_make_exec(whole, strlen(whole), &options, NULL);
    g_assert_true(!plan || plan->arguments);
    return 0;
}
