{
  "variables": { "sanitizer%": "" },
  "targets": [
    {
      "target_name": "finch",
      "sources": [
        "src/addon.cc",
        "src/client_sockets.cc",
        "src/connection_queue.cc",
        "src/event_thread.cc",
        "src/idle_task_thread.cc",
        "src/mapped_file.cc",
        "src/packet_batch.cc",
        "src/packet_plans.cc",
        "src/receive_set.cc",
        "src/run_copy.cc",
        "src/signal_port.cc",
        "src/socket_address.cc",
        "src/sockets.cc",
        "src/stream_writes.cc",
        "src/tcp_sockets.cc",
        "src/udp_messages.cc",
        "src/udp_sockets.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fno-exceptions", "-fno-rtti"],
      "ldflags": ["-Wl,-z,nodelete"],
      "conditions": [
        ["sanitizer!=''", {
          "cflags_cc": ["-fsanitize=<(sanitizer)", "-fno-omit-frame-pointer", "-g", "-O1"],
          "ldflags": ["-fsanitize=<(sanitizer)"]
        }]
      ]
    }
  ]
}
