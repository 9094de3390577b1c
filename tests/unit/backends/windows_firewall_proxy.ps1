# Runs the proxy part of two scripts (one with a proxy, one without) against a computer of hashtables: what the
# registry, netsh, Set-WinInetProxy, the environment and the Azure Arc agent would do. Writes one line for each check.
param ([string] $WithProxy, [string] $WithoutProxy)
Import-Module (Join-Path $PSScriptRoot 'windows_firewall_machine.psm1') -Force
Set-StrictMode -Version Latest
$registry = (Get-Machine).Registry
$agent = (Get-Machine).Agent
$connections = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections'
$policies = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings'
$with = Get-Block -Path $WithProxy
$without = Get-Block -Path $WithoutProxy

# In the order in which it happens.
function Find {
    param ([scriptblock] $Block, [string] $Mode, [hashtable] $More = @{})
    @(& $Block -Mode $Mode -Force @More 3>$null 6>$null | ForEach-Object { '{0}: {1}' -f $_.Name, $_.Finding }) -join '; '
}
function Read-Blob {
    param ([string] $Name)
    $bytes = [byte[]] $registry[$connections][$Name]
    $length = [System.BitConverter]::ToInt32($bytes, 12)
    $rest = [System.BitConverter]::ToInt32($bytes, 16 + $length)
    $encoding = [System.Text.Encoding]::ASCII
    '{0}|{1}' -f $encoding.GetString($bytes, 16, $length), $encoding.GetString($bytes, 20 + $length, $rest)
}

# A computer that had a proxy of its own for services.
netsh.exe winhttp set proxy proxy-server=old.example:8080 'bypass-list=*.old.example'
(Get-Machine).Variables['Machine NO_PROXY'] = 'old.example'
Set-RegistryValue -Key $connections -Name 'DefaultConnectionSettings' -Value (ConvertTo-Blob -Flags 9 -Text @('', '', ''))
Set-Program -Name 'azcmagent.exe' -There $true
Set-Program -Name 'Set-WinInetProxy' -There $true
$before = ConvertTo-MachineText
$all = @('WinINet', 'WinHTTP', 'Environment', 'Azure Arc agent')
function Join-Finding { param ([string] $Finding) @($all | ForEach-Object { "Proxy of ${_}: $Finding" }) -join '; ' }

Reset-Fault
Test-Equal -What 'Verify finds everything missing' -Is (Find $with 'Verify') -Should (Join-Finding 'Missing')
Test-Equal -What 'Verify of a policy without proxy finds nothing' -Is (Find $without 'Verify') -Should ''
Test-Equal -What 'WhatIf says nothing was done' -Is (Find $with 'Apply' @{ WhatIf = $true }) -Should ''
Test-Equal -What 'neither changes anything' -Is "$(Get-Change)`n$(ConvertTo-MachineText)" -Should "`n$before"

Test-Equal -What 'Apply sets all four' -Is (Find $with 'Apply') -Should (Join-Finding 'Set')
$bypass = 'localhost;e1;prod;127.0.0.1;10.0.0.11;[fd00::11];10.1.2.*;10.3.0.*;10.3.1.*;*.corp.example'
Test-Equal -What 'WinHTTP' -Is (Read-Blob 'WinHttpSettings') -Should "10.0.9.10:9090|$bypass"
Test-Equal -What 'WinINet' -Is (Read-Blob 'DefaultConnectionSettings') -Should "10.0.9.10:9090|$bypass"
Test-Equal -What 'WinINet is for the machine' -Is $registry[$policies]['ProxySettingsPerUser'] -Should 0
Test-Equal -What 'HTTP_PROXY' -Is ((Get-Machine).Variables['Machine HTTP_PROXY']) -Should 'http://10.0.9.10:9090'
Test-Equal -What 'HTTPS_PROXY' -Is ((Get-Machine).Variables['Machine HTTPS_PROXY']) -Should 'http://10.0.9.10:9090'
Test-Equal -What 'NO_PROXY' -Is ((Get-Machine).Variables['Machine NO_PROXY']) -Should 'localhost,e1,prod,127.0.0.1,10.0.0.11,fd00::11,10.1.2.0/24,10.3.0.0/23,.corp.example'
Test-Equal -What 'agent' -Is "$($agent['proxy.url']) $($agent['proxy.bypass'])" -Should 'http://10.0.9.10:9090 []'
Test-Equal -What 'Verify is content' -Is (Find $with 'Verify') -Should ''
$applied = ConvertTo-MachineText
Reset-Fault
Test-Equal -What 'a second Apply has nothing to do' -Is "$(Find $with 'Apply')$(Get-Change)" -Should ''

# Somebody edits by hand.
netsh.exe winhttp set proxy proxy-server=other.example:1 "bypass-list=$bypass"
$agent['proxy.url'] = ''
Test-Equal -What 'Verify shows drift' -Is (Find $with 'Verify') -Should 'Proxy of WinHTTP: Changed: Server; Proxy of Azure Arc agent: Changed: Server'
Test-Equal -What 'Apply mends it' -Is (Find $with 'Apply') -Should 'Proxy of WinHTTP: Set; Proxy of Azure Arc agent: Set'
Test-Equal -What 'as it was applied first' -Is (ConvertTo-MachineText) -Should $applied

function Test-Restored {
    param ([string] $What)
    Test-Equal -What "${What}: WinHTTP" -Is (Read-Blob 'WinHttpSettings') -Should 'old.example:8080|*.old.example'
    Test-Equal -What "${What}: WinINet" -Is $registry[$policies].ContainsKey('ProxySettingsPerUser') -Should 'False'
    Test-Equal -What "${What}: environment" -Is (@((Get-Machine).Variables.Keys | ForEach-Object { "$_=$((Get-Machine).Variables[$_])" }) -join ' ') -Should 'Machine NO_PROXY=old.example'
    Test-Equal -What "${What}: agent" -Is "$($agent['proxy.url'])$($agent['proxy.bypass'])" -Should '[]'
    Test-Equal -What "${What}: no backup" -Is (@($registry.Keys) -like '*hcipolc*') -Should ''
}
# Without the module: Apply stops, Remove does the rest and goes on remembering.
$file = Join-Path (Split-Path -Path $WithProxy) 'proxy.json'
Set-Program -Name 'Set-WinInetProxy' -There $false
$need = 'the proxy settings of WinINet need the module WinInetProxy, which is missing. Get it with Save-Module on a computer that reaches the PowerShell Gallery and copy it to %ProgramFiles%\WindowsPowerShell\Modules'
Test-Equal -What 'Apply without the module stops' -Is $(try { Find $without 'Apply' } catch { "$_" }) -Should "Nothing was changed: $need, or compile with proxy_settings = false."
Test-Equal -What 'and changes nothing' -Is (ConvertTo-MachineText) -Should $applied
Test-Equal -What 'Remove without it warns' -Is (@(Get-Warning $with @{ Mode = 'Remove'; WhatIf = $true }) -match 'WinINet') -Should "WinINet stays as it is: $need, then run Remove again."
Test-Equal -What 'and does the rest' -Is (Find $with 'Remove') -Should 'Proxy of WinHTTP: Restored; Proxy of Environment: Restored; Proxy of Azure Arc agent: Restored'
Test-Equal -What 'WinINet is remembered' -Is (@($registry['HKLM:\SOFTWARE\hcipolc\Proxy\hcipolc-prod'].Keys) -join ' ') -Should 'WinINet'
Set-Program -Name 'Set-WinInetProxy' -There $true
Test-Equal -What 'and goes later' -Is (Find $with 'Remove') -Should 'Proxy of WinINet: Restored'
$null = Find $with 'Apply'
Test-Equal -What 'back to what was applied' -Is (ConvertTo-MachineText) -Should $applied

# A policy that leaves the proxy alone from now on.
$ignoring = Edit-Block $with '(?s)\$proxy = @\{.*?\n\}\n' "`$proxy = @{`n    Settings = 'Ignored'`n}`n"
$left = 'An earlier version of the policy set the proxy; Remove puts back what was there.'
Test-Equal -What 'proxy_settings = false: Verify warns' -Is "$(Find $ignoring 'Verify')$(@(Get-Warning $ignoring @{ Mode = 'Verify' }) -match 'proxy')" -Should $left
Test-Equal -What 'Apply does nothing' -Is (Find $ignoring 'Apply') -Should ''
Test-Equal -What 'and keeps it' -Is (ConvertTo-MachineText) -Should $applied
Test-Equal -What 'Remove restores' -Is (Find $ignoring 'Remove' @{ BackupPath = $file }) -Should "${file}: Written; $(Join-Finding 'Restored')"
Test-Restored -What 'Ignored'
Test-Equal -What 'no warning of what is not there' -Is (@(Get-Warning $ignoring @{ Mode = 'Verify' }) -match 'proxy') -Should ''
$null = Find $ignoring 'Restore' @{ BackupPath = $file }
Test-Equal -What 'Restore brings them back' -Is (ConvertTo-MachineText) -Should $applied

# An agent that is gone leaves nothing behind.
Set-Program -Name 'azcmagent.exe' -There $false
$agent['proxy.url'] = ''
Test-Equal -What 'Remove after the agent has gone' -Is (Find $with 'Remove') -Should 'Proxy of WinINet: Restored; Proxy of WinHTTP: Restored; Proxy of Environment: Restored; Proxy of Azure Arc agent: Forgotten'
Set-Program -Name 'azcmagent.exe' -There $true
Test-Restored -What 'Agent gone'
$null = Find $with 'Apply'

Test-Equal -What 'Remove restores all four' -Is (Find $with 'Remove') -Should (Join-Finding 'Restored')
Test-Restored -What 'Remove'
Test-Equal -What 'a second Remove has nothing to do' -Is (Find $with 'Remove') -Should ''

# The last step fails: the three before it are put back.
Reset-Fault -Always 'Set-Agent'
Test-Equal -What 'a failure is one' -Is $(try { Find $with 'Apply' } catch { "$_" }) -Should 'azcmagent.exe config set proxy.url http://10.0.9.10:9090 failed with code 1.'
Reset-Fault
Test-Restored -What 'Failure'

# The policy loses its proxy.
$null = Find $with 'Apply'
Test-Equal -What 'a proxy that the policy lost is stale' -Is (Find $without 'Verify') -Should (Join-Finding 'Stale')
Test-Equal -What 'and goes' -Is (Find $without 'Apply') -Should (Join-Finding 'Restored')
Test-Restored -What 'Lost'

# A server without the agent, which gets one later.
Set-Program -Name 'azcmagent.exe' -There $false
Test-Equal -What 'three without an agent' -Is (Find $with 'Apply') -Should 'Proxy of WinINet: Set; Proxy of WinHTTP: Set; Proxy of Environment: Set'
Test-Equal -What 'none of them missing' -Is (Find $with 'Verify') -Should ''
Set-Program -Name 'azcmagent.exe' -There $true
Test-Equal -What 'the agent comes' -Is (Find $with 'Verify') -Should 'Proxy of Azure Arc agent: Missing'

# ---- agents that do not say, or say more ----
$null = Find $with 'Remove'
Test-Restored -What 'Before agents'
$memory = 'HKLM:\SOFTWARE\hcipolc\Proxy\hcipolc-prod'
function Get-Agent { Get-Change | Where-Object { $_ -like 'Set-Agent*' } }
function Get-Service { @($agent['proxy.bypass'] -split '[^A-Za-z]+' | Where-Object { $_ } | Sort-Object) -join ' ' }
function Get-Said { param ($Block, [hashtable] $More) @(Get-Warning $Block $More) -match 'Arc agent|WinINet' -join '; ' }
# Before 1.15 it does not know proxy.bypass.
$agent['unknown'] = @('proxy.bypass')
$text = 'The proxy of the Azure Arc agent could not be read: azcmagent.exe config get proxy.bypass failed with code 1.'
Test-Equal -What 'a newer agent that does not say its bypass: Verify leaves it out' -Is (Get-Said $with @{ Mode = 'Verify' }) -Should "$text It stays as it is."
Test-Equal -What 'Apply stops' -Is $(try { Find $with 'Apply' } catch { "$_" }) -Should "Nothing was changed. $text"
$agent['version'] = '1.14.02134.1'
Reset-Fault
Test-Equal -What 'an agent without bypass: Apply' -Is (Find $with 'Apply') -Should (Join-Finding 'Set')
Test-Equal -What 'Verify' -Is (Find $with 'Verify') -Should ''
Test-Equal -What 'Remove' -Is (Find $with 'Remove') -Should (Join-Finding 'Restored')
Test-Equal -What 'is never asked for it' -Is ((Get-Agent) -join '; ') -Should 'Set-Agent config set proxy.url http://10.0.9.10:9090; Set-Agent config clear proxy.url'
$services = Edit-Block $with '(ArcBypass         = @\()' "`$1 'AAD'"
$null = Find $services 'Apply'
Test-Equal -What 'nor if the policy has services' -Is "$(@(Get-Agent)[-1]) $(Find $services 'Verify')" -Should 'Set-Agent config set proxy.url http://10.0.9.10:9090 '
$null = Find $with 'Remove'
# One that says nothing at all.
$null = Find $with 'Apply'
$applied = ConvertTo-MachineText
$agent['unknown'] = @('proxy.url'); $agent.Remove('version')
$text = 'The proxy of the Azure Arc agent could not be read: azcmagent.exe config get proxy.url failed with code 1.'
Reset-Fault
Test-Equal -What 'an agent that fails: Verify leaves it out' -Is "$(Find $with 'Verify')$(Get-Said $with @{ Mode = 'Verify' })" -Should "$text It stays as it is."
Test-Equal -What 'Apply stops' -Is $(try { Find $with 'Apply' } catch { "$_" }) -Should "Nothing was changed. $text"
$file = Join-Path (Split-Path -Path $WithProxy) 'agent.json'
Test-Equal -What 'Backup leaves it out' -Is (Find $with 'Backup' @{ BackupPath = $file }) -Should "${file}: Written"
Test-Equal -What 'and changes nothing' -Is (Get-Change) -Should ''
Test-Equal -What 'Remove does the rest' -Is (Find $with 'Remove') -Should 'Proxy of WinINet: Restored; Proxy of WinHTTP: Restored; Proxy of Environment: Restored'
Test-Equal -What 'and goes on remembering' -Is (@($registry[$memory].Keys) -join ' ') -Should 'Azure Arc agent'
$agent['unknown'] = @()
$null = Find $with 'Remove'
Test-Restored -What 'Agent that answers again'
# A list in any form goes back in the form that is taken; services of the administrator stay all the time.
foreach ($form in 'words', 'json', 'plain') {
    $agent['form'] = $form
    azcmagent.exe config set proxy.bypass 'AMA,ARM,AAD'
    $shown = $agent['proxy.bypass']
    Test-Equal -What "$form Verify" -Is (@((Find $with 'Verify') -split '; ') -match 'Arc') -Should 'Proxy of Azure Arc agent: Missing'
    $null = Find $with 'Apply'
    Test-Equal -What "$form $shown while applied" -Is ($agent['proxy.bypass'] -replace '[^A-Za-z]', '') -Should 'AMA'
    Test-Equal -What 'Verify is content' -Is (Find $with 'Verify') -Should ''
    Test-Equal -What 'with the policy''s services' -Is "$(Find $services 'Apply') $(Get-Service)" -Should 'Proxy of Azure Arc agent: Set AAD AMA'
    [System.IO.File]::Delete($file)
    $null = Find $services 'Backup' @{ BackupPath = $file }
    $kept = ConvertTo-MachineText
    Test-Equal -What 'Remove' -Is "$(Find $with 'Remove') $(Get-Service)" -Should "$(Join-Finding 'Restored') AAD AMA ARM"
    $null = Find $services 'Restore' @{ BackupPath = $file }
    Test-Equal -What 'Restore' -Is (ConvertTo-MachineText) -Should $kept
    $null = Find $with 'Remove'
    azcmagent.exe config clear proxy.bypass
}
$agent.Remove('form'); $agent['proxy.bypass'] = '[]'
# What it says beside its answer is no error of ours.
$agent['notice'] = $true
Test-Equal -What 'an agent that says more' -Is $(try { Find $with 'Apply' 2>$null } catch { "! $_" }) -Should (Join-Finding 'Set')
$agent.Remove('notice')
# One that PATH does not have yet is a file.
Set-Program -Name 'azcmagent.exe' -There $false
$null = Get-Said $with @{ Mode = 'Verify' }
Test-Equal -What 'an agent that is not found' -Is (Get-Said $with @{ Mode = 'Verify' }) -Should 'Proxy of Azure Arc agent: it was set once, and is not found any more (an agent that was removed?).'
$programs = Join-Path (Split-Path -Path $WithProxy) 'programs'
$place = Join-Path $programs 'AzureConnectedMachineAgent'
$null = [System.IO.Directory]::CreateDirectory($place)
[System.IO.File]::WriteAllText((Join-Path $place 'azcmagent.exe'), "#!/bin/sh`n[ `"`$1 `$2`" = 'config get' ] && [ `"`$3`" = proxy.url ] && echo http://10.0.9.10:9090`nexit 0`n")
chmod +x (Join-Path $place 'azcmagent.exe')
$env:ProgramW6432 = $programs
Test-Equal -What 'is looked for where it is installed' -Is "$(Get-Said $with @{ Mode = 'Verify' })$(Find $with 'Verify')" -Should ''
$env:ProgramW6432 = ''
Set-Program -Name 'azcmagent.exe' -There $true

# ---- a script or detection of WinHTTP does not come back ----
$null = Find $with 'Remove'
foreach ($case in @(@(1, '', 0), @(5, 'http://wpad.example/', 1), @(9, '', 1))) {
    Set-RegistryValue -Key $connections -Name 'WinHttpSettings' -Value (ConvertTo-Blob -Flags $case[0] -Text @('', '', $case[1]))
    Test-Equal -What "WinHTTP with flags $($case[0])" -Is (@(Get-Warning $with @{ Mode = 'Verify' }) -like 'WinHTTP has a script or automatic detection: a proxy that is set takes their place, and Remove does not bring them back.').Count -Should $case[2]
}
netsh.exe winhttp set proxy proxy-server=old.example:8080 'bypass-list=*.old.example'
# Who has read the environment keeps what it was.
Test-Equal -What 'who keeps the former variables is named' -Is (@(Get-Warning $with @{ Mode = 'Apply' }) -like 'Services that run keep*himds, ExtensionService and GCArcService).').Count -Should 1

# ---- Restore without the module of WinINet ----
[System.IO.File]::Delete($file)
$null = Find $with 'Backup' @{ BackupPath = $file }
$applied = ConvertTo-MachineText
$null = Find $with 'Remove'
Set-Program -Name 'Set-WinInetProxy' -There $false
$said = Get-Said $with @{ Mode = 'Restore'; BackupPath = $file; WhatIf = $true }
Test-Equal -What 'Restore without it warns' -Is $said -Should "WinINet stays as it is: $need, then run Restore again."
Test-Equal -What 'and does the rest' -Is (Find $with 'Restore' @{ BackupPath = $file }) -Should 'Proxy of Azure Arc agent: Restored; Proxy of Environment: Restored; Proxy of WinHTTP: Restored'
Set-Program -Name 'Set-WinInetProxy' -There $true
$null = Find $with 'Restore' @{ BackupPath = $file }
Test-Equal -What 'which is the rest' -Is (ConvertTo-MachineText) -Should $applied
'done'
