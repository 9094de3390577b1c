#Requires -Version 5.1
#Requires -RunAsAdministrator
#Requires -Modules NetSecurity

<#
.SYNOPSIS
    Verifies, applies or removes the Windows Firewall rules that a policy gives one server.
.DESCRIPTION
    The script is a table of rules and an engine that is the same in every script. Do not edit it:
    change the policy and compile again.

    A rule's name ends in a hash of its content, and all rules share a group. Only the addresses of
    a service tag may change under a name: they are set in place, as are rules that somebody edited.
    Apply creates what is missing first and removes rules of the group that are no longer in the
    table last, so there is no moment without rules; but a rule to which somebody gave an owner, a
    package or a dynamic keyword is removed and made anew, since Windows takes those from no rule.
    When a step fails, or somebody presses Ctrl+C, the run undoes all steps before it, the last one
    first; where a default Block cannot be undone, the rules stay. A second run changes nothing.
    Rules outside the group, and rules in it that the policy did not make, are never touched. What
    people read of a rule, its display name and description, is not compared.

    An exception is left out after its last day, by this machine's clock: Apply takes its rule away.
    Verify reports it as Expired until the policy is built anew, since what the policy denies beside
    it is denied without it until then.

    Windows lets a block rule beat every allow rule, and lets everything pass that any rule allows:
    rules that Windows or other software made keep allowing what they allow. Outbound traffic passes
    without a rule unless the profile's default outbound action is Block; Windows' default is Allow.
    The policy's target says whether this script sets it (lock_down); Remove puts back what it was.

    Where the policy's target says so (builtin), rules of Windows' own are enabled in place of rules
    of the policy. They are never created, edited or removed, and Remove puts back whether they were
    enabled. What was there before Apply is kept below HKLM:\SOFTWARE\hcipolc, for each cluster and
    group: what two scripts have set stays until the last of them is removed.

    A Group Policy object gets copies of those rules, from the machine on which the script runs. What
    it had before is kept in a disabled rule of the object.

    Where the policy has a proxy, Apply also points the server to it: WinINet, WinHTTP, the
    variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the machine, and the Azure Arc agent if it is
    installed. Remove puts back what was there before, and so does Apply once the policy has no
    proxy any more. WinINet is set with Set-WinInetProxy, of the module WinInetProxy.

    Addresses :: and ::1, which rules cannot name and no packet on a network has, are left out of
    lists. In names for people, characters other than ASCII are written \u00FC and a backslash \\.
.PARAMETER Mode
    Verify (the default, changes nothing), Apply, Remove, Backup or Restore.
.PARAMETER PolicyStore
    PersistentStore (the default: this server's own rules), or 'domain.example\name' of a Group
    Policy object that holds this server's rules and no other server's. Rules of a Group Policy
    object are changed in one session, of which all is saved or nothing.
.PARAMETER DomainController
    The writable domain controller on which a Group Policy object is changed.
.PARAMETER BackupPath
    A file. Backup, Apply and Remove write into it all that the script can change, as it is before
    they change it; they do not overwrite a file. Restore puts that back.
.PARAMETER Force
    Changes a machine although it has none of the server's addresses, or a Group Policy object that
    has rules for others: another server's, or the server has got new addresses. Applies rules
    although the cluster has others there in another group.
.PARAMETER AllowLockOut
    Changes rules or the default outbound action although, with outbound traffic blocked, this
    server could not reach its name servers, DHCP server or domain controller any more, or a server
    of the Group Policy object no domain controller; although it has addresses that the policy does
    not have and would block; or although nobody could come in any more by the ports over which it is
    administered (TCP 22, 3389, 5985, 5986).
.OUTPUTS
    Verify: an object with Name, Finding and Detail for every rule that is Missing, Changed,
    Disabled, Absent, Stale or Expired, for every such setting, for a rule of Windows' own that is
    Unsuitable, and for what takes rules out of force (Not in force: Group Policy, a firewall that
    is off); nothing if all is well. The others: the same for everything they did (Created, Updated,
    Restored, Enabled, Removed, Set to ..., Set, Forgotten, and Written of a backup). Run as a file,
    Verify has the exit code 0 when all is well, 2 when something is different, 3 when all is there
    and not in force, and 1 when it failed. The others have 0, or 1 when they failed and undid what
    they had done.
.EXAMPLE
    .\server.ps1
.EXAMPLE
    .\server.ps1 -Mode Apply -WhatIf
.EXAMPLE
    .\server.ps1 -Mode Apply -BackupPath .\before.json
.EXAMPLE
    Invoke-Command -Session $session { & $env:ProgramFiles\hci\server.ps1 -Mode Apply }

    On a server to which Copy-Item -ToSession has copied the script, after New-Item made the folder:
    -FilePath passes values alone, no switches such as -WhatIf.
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
[OutputType([pscustomobject])]
param (
    [Parameter(Position = 0)]
    [ValidateSet('Verify', 'Apply', 'Remove', 'Backup', 'Restore')]
    [string] $Mode = 'Verify',

    # Rules in the other stores are read-only or gone at the next start.
    [Parameter()]
    [ValidateScript({ $_ -eq 'PersistentStore' -or $_ -match '^[^\\]+\\.+$' })]
    [string] $PolicyStore = 'PersistentStore',

    [Parameter()]
    [string] $DomainController = '',

    [Parameter()]
    [string] $BackupPath = '',

    [Parameter()]
    [switch] $Force,

    [Parameter()]
    [switch] $AllowLockOut
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

