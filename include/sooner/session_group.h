// The same with several threads, in the layout that suits a machine.
#pragma once

#include "runtime/session_group.h"
#include "runtime/thread_layout.h"
