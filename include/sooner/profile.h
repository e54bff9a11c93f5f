// Where the time goes, step by step, and profiles as files.
#pragma once

#include "profile/profile.h"
#include "profile/profile_file.h"
