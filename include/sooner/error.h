// Errors: one exception type with a code, and a message of one line.
#pragma once

#include "core/error.h"
