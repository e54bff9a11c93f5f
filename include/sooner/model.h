// A loaded, compiled model, shared by sessions and threads.
#pragma once

#include "runtime/model.h"
