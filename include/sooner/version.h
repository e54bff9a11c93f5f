// The library's version; CMakeLists.txt reads it here. Semantic versioning: docs/api.md says what it covers.
#pragma once

#define SOONER_VERSION_MAJOR 0
#define SOONER_VERSION_MINOR 1
#define SOONER_VERSION_PATCH 0
