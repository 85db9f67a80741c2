// SPDX-License-Identifier: Apache-2.0

#include "sandbox_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A plan is small and its program ends at once without memory; there is nobody to report to.
static void *must(void *pointer) {
    if (pointer == NULL) {
        fputs("rootcellar-sandbox: no memory\n", stderr);
        exit(CLINUX_SANDBOX_FAILED);
    }
    return pointer;
}

static void append(struct text_list *list, const char *text) {
    list->items = must(realloc(list->items, (list->count + 2) * sizeof *list->items));
    list->items[list->count] = must(strdup(text));
    list->items[++list->count] = NULL;
}

static void append_range(struct range_list *list, unsigned inside, unsigned outside, unsigned count) {
    list->items = must(realloc(list->items, (list->count + 1) * sizeof *list->items));
    list->items[list->count++] = (struct range){inside, outside, count};
}

struct clinux_sandbox *clinux_sandbox_new(void) {
    struct clinux_sandbox *plan = must(calloc(1, sizeof *plan));
    plan->environment.items = must(calloc(1, sizeof *plan->environment.items));
    return plan;
}

void clinux_sandbox_map_users(struct clinux_sandbox *plan, unsigned inside, unsigned outside, unsigned count) {
    append_range(&plan->users, inside, outside, count);
}

void clinux_sandbox_map_groups(struct clinux_sandbox *plan, unsigned inside, unsigned outside, unsigned count) {
    append_range(&plan->groups, inside, outside, count);
}

void clinux_sandbox_set_root(struct clinux_sandbox *plan, const char *path) { plan->root = must(strdup(path)); }

void clinux_sandbox_set_32_bits(struct clinux_sandbox *plan) { plan->has_32_bits = true; }

void clinux_sandbox_set_hostname(struct clinux_sandbox *plan, const char *name) {
    plan->hostname = must(strdup(name));
}

void clinux_sandbox_set_resolver(struct clinux_sandbox *plan, const char *source) {
    plan->resolver = must(strdup(source));
}

void clinux_sandbox_set_script(struct clinux_sandbox *plan, const char *source) {
    plan->script = must(strdup(source));
}

void clinux_sandbox_add_bind(struct clinux_sandbox *plan, const char *source, const char *target) {
    append(&plan->bind_sources, source);
    append(&plan->bind_targets, target);
}

void clinux_sandbox_add_variable(struct clinux_sandbox *plan, const char *assignment) {
    append(&plan->environment, assignment);
}

void clinux_sandbox_keep_environment(struct clinux_sandbox *plan) { plan->keep_environment = true; }

void clinux_sandbox_add_argument(struct clinux_sandbox *plan, const char *argument) {
    append(&plan->arguments, argument);
}

void clinux_sandbox_set_network(struct clinux_sandbox *plan) { plan->network = true; }

void clinux_sandbox_set_lifeline(struct clinux_sandbox *plan) { plan->lifeline = true; }
