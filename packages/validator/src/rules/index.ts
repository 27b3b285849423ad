// Made by scripts/list-rules.mjs from the files of the rules.
import type { Rule } from "../rule.js";
import { rule as delCloud } from "./destructive/del-cloud.js";
import { rule as delDb } from "./destructive/del-db.js";
import { rule as delDisk } from "./destructive/del-disk.js";
import { rule as delEncrypt } from "./destructive/del-encrypt.js";
import { rule as delHome } from "./destructive/del-home.js";
import { rule as delMvnull } from "./destructive/del-mvnull.js";
import { rule as delPackage } from "./destructive/del-package.js";
import { rule as delParent } from "./destructive/del-parent.js";
import { rule as delPerm } from "./destructive/del-perm.js";
import { rule as delRoot } from "./destructive/del-root.js";
import { rule as delSysdir } from "./destructive/del-sysdir.js";
import { rule as delTrunc } from "./destructive/del-trunc.js";
import { rule as delUnset } from "./destructive/del-unset.js";
import { rule as escCtrctl } from "./escape/esc-ctrctl.js";
import { rule as escCtrpull } from "./escape/esc-ctrpull.js";
import { rule as escDisk } from "./escape/esc-disk.js";
import { rule as escNs } from "./escape/esc-ns.js";
import { rule as escProc } from "./escape/esc-proc.js";
import { rule as pathCtrsock } from "./escape/path-ctrsock.js";
import { rule as pathAcct } from "./files/path-acct.js";
import { rule as pathCred } from "./files/path-cred.js";
import { rule as pathEtcwrite } from "./files/path-etcwrite.js";
import { rule as pathGlob } from "./files/path-glob.js";
import { rule as pathLog } from "./files/path-log.js";
import { rule as pathProc } from "./files/path-proc.js";
import { rule as pathSyswrite } from "./files/path-syswrite.js";
import { rule as resDiskfill } from "./fork-bomb/res-diskfill.js";
import { rule as resForkbomb } from "./fork-bomb/res-forkbomb.js";
import { rule as resLoop } from "./fork-bomb/res-loop.js";
import { rule as resSelfexec } from "./fork-bomb/res-selfexec.js";
import { rule as resStress } from "./fork-bomb/res-stress.js";
import { rule as budget } from "./input/budget.js";
import { rule as crlf } from "./input/crlf.js";
import { rule as encoding } from "./input/encoding.js";
import { rule as parse } from "./input/parse.js";
import { rule as shebang } from "./input/shebang.js";
import { rule as size } from "./input/size.js";
import { rule as kernCmd } from "./kernel/kern-cmd.js";
import { rule as pathProcsys } from "./kernel/path-procsys.js";
import { rule as sysKillall } from "./kernel/sys-killall.js";
import { rule as sysPower } from "./kernel/sys-power.js";
import { rule as sysSched } from "./kernel/sys-sched.js";
import { rule as mineBin } from "./miner/mine-bin.js";
import { rule as minePool } from "./miner/mine-pool.js";
import { rule as netFetch } from "./network/net-fetch.js";
import { rule as netInstall } from "./network/net-install.js";
import { rule as netListen } from "./network/net-listen.js";
import { rule as netRaw } from "./network/net-raw.js";
import { rule as netRemote } from "./network/net-remote.js";
import { rule as netScan } from "./network/net-scan.js";
import { rule as netTunnel } from "./network/net-tunnel.js";
import { rule as netUpload } from "./network/net-upload.js";
import { rule as dynCmdGlob } from "./obfuscation/dyn-cmd-glob.js";
import { rule as dynCmdIndirect } from "./obfuscation/dyn-cmd-indirect.js";
import { rule as dynCmdInput } from "./obfuscation/dyn-cmd-input.js";
import { rule as dynCmdPartial } from "./obfuscation/dyn-cmd-partial.js";
import { rule as dynCmdSubst } from "./obfuscation/dyn-cmd-subst.js";
import { rule as embedCmd } from "./obfuscation/embed-cmd.js";
import { rule as evalCode } from "./obfuscation/eval-code.js";
import { rule as execCopybin } from "./obfuscation/exec-copybin.js";
import { rule as execDynCode } from "./obfuscation/exec-dyn-code.js";
import { rule as execEval } from "./obfuscation/exec-eval.js";
import { rule as execLibrary } from "./obfuscation/exec-library.js";
import { rule as execNetFile } from "./obfuscation/exec-net-file.js";
import { rule as execNetPipe } from "./obfuscation/exec-net-pipe.js";
import { rule as execPipeShell } from "./obfuscation/exec-pipe-shell.js";
import { rule as execPreload } from "./obfuscation/exec-preload.js";
import { rule as execRebind } from "./obfuscation/exec-rebind.js";
import { rule as execTool } from "./obfuscation/exec-tool.js";
import { rule as inlineCode } from "./obfuscation/inline-code.js";
import { rule as inlineExec } from "./obfuscation/inline-exec.js";
import { rule as evadeLog } from "./persistence/evade-log.js";
import { rule as persistDetach } from "./persistence/persist-detach.js";
import { rule as persistEnvhook } from "./persistence/persist-envhook.js";
import { rule as persistRc } from "./persistence/persist-rc.js";
import { rule as persistSched } from "./persistence/persist-sched.js";
import { rule as privChown } from "./privilege/priv-chown.js";
import { rule as privCmd } from "./privilege/priv-cmd.js";
import { rule as privExploit } from "./privilege/priv-exploit.js";
import { rule as privSetuid } from "./privilege/priv-setuid.js";
import { rule as inlineNet } from "./reverse-shell/inline-net.js";
import { rule as netDevtcp } from "./reverse-shell/net-devtcp.js";
import { rule as reconSetuid } from "./secrets/recon-setuid.js";
import { rule as secretEnv } from "./secrets/secret-env.js";
import { rule as secretExfil } from "./secrets/secret-exfil.js";
import { rule as secretHunt } from "./secrets/secret-hunt.js";
import { rule as secretKeys } from "./secrets/secret-keys.js";
import { rule as secretMem } from "./secrets/secret-mem.js";
import { rule as secretMetadata } from "./secrets/secret-metadata.js";

/** Every rule that there is. docs/validation.md is made from this list. */
export const RULES = [
  delCloud,
  delDb,
  delDisk,
  delEncrypt,
  delHome,
  delMvnull,
  delPackage,
  delParent,
  delPerm,
  delRoot,
  delSysdir,
  delTrunc,
  delUnset,
  escCtrctl,
  escCtrpull,
  escDisk,
  escNs,
  escProc,
  pathCtrsock,
  pathAcct,
  pathCred,
  pathEtcwrite,
  pathGlob,
  pathLog,
  pathProc,
  pathSyswrite,
  resDiskfill,
  resForkbomb,
  resLoop,
  resSelfexec,
  resStress,
  budget,
  crlf,
  encoding,
  parse,
  shebang,
  size,
  kernCmd,
  pathProcsys,
  sysKillall,
  sysPower,
  sysSched,
  mineBin,
  minePool,
  netFetch,
  netInstall,
  netListen,
  netRaw,
  netRemote,
  netScan,
  netTunnel,
  netUpload,
  dynCmdGlob,
  dynCmdIndirect,
  dynCmdInput,
  dynCmdPartial,
  dynCmdSubst,
  embedCmd,
  evalCode,
  execCopybin,
  execDynCode,
  execEval,
  execLibrary,
  execNetFile,
  execNetPipe,
  execPipeShell,
  execPreload,
  execRebind,
  execTool,
  inlineCode,
  inlineExec,
  evadeLog,
  persistDetach,
  persistEnvhook,
  persistRc,
  persistSched,
  privChown,
  privCmd,
  privExploit,
  privSetuid,
  inlineNet,
  netDevtcp,
  reconSetuid,
  secretEnv,
  secretExfil,
  secretHunt,
  secretKeys,
  secretMem,
  secretMetadata,
] as const satisfies readonly Rule[];

export type RuleId = (typeof RULES)[number]["id"];
