// How samples run through a model on one thread, and the micro-batches that suit a machine.
#pragma once

#include "runtime/micro_batches.h"
#include "runtime/session.h"
