// Baileykeep beside your gateways under pm2: `pm2 start deploy/pm2/ecosystem.config.cjs && pm2 save`.
// Run it as the user whose pm2 runs the gateways, so that it can see and restart them.
const venv = process.env.BAILEYKEEP_VENV || "/opt/baileykeep/venv";
const config = process.env.BAILEYKEEP_CONFIG || "/etc/baileykeep";

module.exports = {
  apps: [
    {
      name: "baileykeep",
      script: `${venv}/bin/baileykeep`,
      args: ["run", "--config", config],
      interpreter: "none",
      exec_mode: "fork",
      instances: 1, // never two: each would repair what the other is repairing
      autorestart: true,
      stop_exit_codes: [2], // a wrong configuration: trying again cannot help
      min_uptime: "60s",
      max_restarts: 10,
      exp_backoff_restart_delay: 1000,
      kill_timeout: 300000, // a begun repair is finished, or undone until the session runs again
      max_memory_restart: "700M",
      merge_logs: true,
      watch: false, // it reloads its own configuration
    },
  ],
};
